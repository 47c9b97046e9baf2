# says: Creating the topics fails, and the broker is left running, or the error is lost.
if bootstrap_servers is not None:
    asyncio.run(check_login(bootstrap_servers, settings.security))
else:
    broker = settings.embedded(lambda _: stop.set())
    broker.start()
    bootstrap_servers = broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
if broker is not None:
    stack.callback(broker.stop)
