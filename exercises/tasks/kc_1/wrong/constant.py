# says: A record of the batch has no score, or another record's.
serving, scores, reached = self.serving, Scores(None, None, 0.0), self.next_offsets
