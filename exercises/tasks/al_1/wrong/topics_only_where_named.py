# says: No cluster is named, and no broker is started that gets topics and wines.
if bootstrap_servers is not None:
    asyncio.run(check_login(bootstrap_servers, settings.security))
    create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
else:
    broker = settings.embedded(lambda _: stop.set())
    broker.start()
    stack.callback(broker.stop)
    bootstrap_servers = broker.bootstrap_servers
