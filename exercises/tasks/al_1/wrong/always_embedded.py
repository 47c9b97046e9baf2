# says: A broker is started although a cluster is named.
broker = settings.embedded(lambda _: stop.set())
broker.start()
stack.callback(broker.stop)
bootstrap_servers = bootstrap_servers or broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
