# says: The cluster rejects the login, and a broker is started in its place.
if bootstrap_servers is not None:
    try:
        asyncio.run(check_login(bootstrap_servers, settings.security))
    except ServingError:
        bootstrap_servers = None
if bootstrap_servers is None:
    broker = settings.embedded(lambda _: stop.set())
    broker.start()
    stack.callback(broker.stop)
    bootstrap_servers = broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
