"""TensorFlow's two formats: dense networks are rewritten as ONNX, the rest needs TensorFlow installed."""
