"""The kinds of models, and in ``answers`` what all of them give."""
