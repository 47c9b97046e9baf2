# says: The broker ends by itself, and the program does not say so
if bootstrap_servers is not None:
    asyncio.run(check_login(bootstrap_servers, settings.security))
else:
    embedded = stack.enter_context(settings.embedded(lambda _: stop.set()))
    bootstrap_servers = embedded.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
