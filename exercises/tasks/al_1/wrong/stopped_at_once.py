# says: The broker that was started is not stopped as the last thing of all.
if bootstrap_servers is not None:
    asyncio.run(check_login(bootstrap_servers, settings.security))
else:
    with settings.embedded(lambda _: stop.set()) as broker:
        bootstrap_servers = broker.bootstrap_servers
        create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
if broker is None:
    create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
