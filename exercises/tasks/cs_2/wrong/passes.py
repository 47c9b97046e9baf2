# says: Records that were scored before the revocation were not committed.
pass
