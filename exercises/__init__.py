"""Exercises: the solutions with holes in them, what grades an answer, and the learner's tool.

An exercise is a region of a file that the servers run (``regions.py``), cut out of its mirror below this folder
(``skeletons.py``). A learner fills it in in a copy of the mirror, in ``my_exercises/``; what is graded is the learner's
file, with the solution in place of all regions but one (``answers.py``). Each folder of ``tasks/`` is one exercise: its
text, its grader, and the wrong and right answers that prove the grader.
"""

import serving as serving  # first, for its check of the environment
