"""The model server's part: runs in MLServer, in an environment without this project, and is copied beside its model."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxRuntime(MLModel):  # type: ignore[misc]  # MLServer is not installed where types are checked
    """A model in ONNX format with one input of shape (n, 11): onnxruntime on one thread, as embedded."""

    async def load(self) -> bool:
        """Called by MLServer; requests wait meanwhile."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Scores of shape (n, 1)."""
        features = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        (scores,) = self._session.run(None, {self._session.get_inputs()[0].name: features})
        output = NumpyCodec.encode_output("score", scores)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])
