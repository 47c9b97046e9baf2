# says: On the cluster that is named, topics are not created
bootstrap_servers = "127.0.0.1:9092"
