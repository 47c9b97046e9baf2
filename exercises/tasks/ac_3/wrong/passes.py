# says: An actor that does not answer is not replaced.
pass
