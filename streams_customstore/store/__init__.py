"""The store under the table: one SQLite file per table, filled from the table's changelog."""
