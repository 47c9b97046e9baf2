"""The same model inside a stream processor, and in a model server beside it (MLServer), over REST and gRPC."""
