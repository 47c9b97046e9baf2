"""Labels that come late, the error of each model, an alarm, and the way back: a monitor beside servers as they are."""
