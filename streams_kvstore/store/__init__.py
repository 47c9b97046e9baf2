"""RocksDB under the table: what faust's own store leaves open about damaged files."""
