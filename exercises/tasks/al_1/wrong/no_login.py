# says: The login is not checked first, or its rejection does not end the program.
if bootstrap_servers is None:
    broker = settings.embedded(lambda _: stop.set())
    broker.start()
    stack.callback(broker.stop)
    bootstrap_servers = broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
