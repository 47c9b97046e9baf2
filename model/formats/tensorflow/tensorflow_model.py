"""Models that TensorFlow itself scores; the one module that imports it, and only with the first such model.

It takes approximately 500 MB of memory and 3 seconds.
"""

import contextlib
import functools
import os
from pathlib import Path
from typing import Any, Self

import numpy as np

from model.errors import ModelClosed
from model.features import WINE, Features, Values
from model.formats.tensorflow.frozen_graph import FrozenGraph


class TensorFlowModel:
    """A function of TensorFlow's: from float32 [N, 11] to a score [N] or [N, 1], or to one column for each class."""

    scored_by = "by TensorFlow"

    def __init__(self, function: Any) -> None:
        """Serve with a concrete function of one tensor to one tensor."""
        self._function = function

    @classmethod
    def of_saved_model(cls, directory: Path) -> Self:
        """Load a SavedModel and serve its signature ``serving_default``; the directory may go away after that.

        The caller has checked it: ``saved_model.check``.

        Raises:
            ValueError: TensorFlow cannot load it, or the signature is missing or none of the above.
        """
        try:
            loaded = _tensorflow().saved_model.load(str(directory))
        except Exception as error:  # it raises all sorts of things
            raise ValueError(f"TensorFlow cannot load it: {error}") from error
        if "serving_default" not in loaded.signatures:
            raise ValueError(f"has no signature 'serving_default', but: {', '.join(loaded.signatures) or 'none'}")
        function = loaded.signatures["serving_default"]
        inputs, outputs = function.structured_input_signature[1], function.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(f"takes {len(inputs)} inputs and gives {len(outputs)} outputs; one of each is served")
        ((name, given),) = inputs.items()
        _check_input(given)

        # The signature's function lives as long as the object that it was loaded with.
        def score(wines: Any) -> Any:
            (output,) = loaded.signatures["serving_default"](**{name: wines}).values()
            return output

        return cls(score)

    @classmethod
    def of_frozen_graph(cls, graph: FrozenGraph) -> Self:
        """Import a frozen graph; the caller has checked it: ``graph_operations``.

        Raises:
            ValueError: TensorFlow cannot import it, or its input is none of the above.
        """
        tensorflow = _tensorflow()
        try:
            definition = tensorflow.compat.v1.GraphDef.FromString(graph.content)
            whole = tensorflow.compat.v1.wrap_function(
                lambda: tensorflow.graph_util.import_graph_def(definition, name=""), []
            )
            wines = whole.graph.get_tensor_by_name(f"{graph.wines}:0")
            function = whole.prune(wines, whole.graph.get_tensor_by_name(f"{graph.result}:0"))
        except Exception as error:
            raise ValueError(f"TensorFlow cannot load it: {error}") from error
        _check_input(wines)
        return cls(function)

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``.

        Raises:
            ValueError: the model gave something else than one row of numbers per record.
            ModelClosed: the model has been closed.
        """
        if self._function is None:
            raise ModelClosed
        output = self._function(_tensorflow().constant(features.astype(np.float32))).numpy()
        if output.dtype.kind not in "fiu":
            raise ValueError(f"gives {output.dtype.name}, not numbers")
        if output.shape == (len(features),):
            output = output[:, None]
        if output.ndim != 2 or len(output) != len(features) or output.shape[1] < 1:
            raise ValueError(f"gives an output of shape {list(output.shape)} for {len(features)} records")
        if output.shape[1] == 1:
            values: Values = output[:, 0].astype(np.float64)
            return values
        return np.where(np.isfinite(output).all(axis=1), output.argmax(axis=1).astype(np.float64), np.nan)

    def close(self) -> None:
        """See ``model.model.Model.close``; TensorFlow stays, for the next model."""
        self._function = None


def _check_input(given: Any) -> None:
    sizes = given.shape.as_list() if given.shape.rank is not None else [None, None]
    if given.dtype.name != "float32" or len(sizes) != 2 or sizes[0] is not None or sizes[1] not in (None, len(WINE)):
        raise ValueError(f"its input is a {given.dtype.name} of shape {sizes} instead of a float32 [None, {len(WINE)}]")


@functools.cache
def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what is wrong comes as an exception, too
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # it logs a line at every start, and rounds in another order
    import tensorflow

    # A server shares its machine with others. Too late where another part of the process has used it already.
    with contextlib.suppress(RuntimeError):
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    return tensorflow
