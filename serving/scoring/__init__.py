"""From records to outcomes: bytes, features, scores, messages. Pure, and in whole batches."""
