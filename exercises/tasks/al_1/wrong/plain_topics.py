# says: The topics are not created with the partitions and the security of the settings.
if bootstrap_servers is not None:
    asyncio.run(check_login(bootstrap_servers, settings.security))
else:
    broker = settings.embedded(lambda _: stop.set())
    broker.start()
    stack.callback(broker.stop)
    bootstrap_servers = broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions)
