# says: The broker ends by itself, and publishing goes on.
if bootstrap_servers is not None:
    asyncio.run(check_login(bootstrap_servers, settings.security))
else:
    broker = settings.embedded()
    broker.start()
    stack.callback(broker.stop)
    bootstrap_servers = broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
