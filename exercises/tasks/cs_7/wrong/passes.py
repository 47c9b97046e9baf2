# says: A result of the batch is not in the table, as others see it.
pass
