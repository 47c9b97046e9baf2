if settings.bootstrap_servers is None:
    broker = stack.enter_context(settings.embedded(on_death=lambda death: stop.set()))
    bootstrap_servers = broker.bootstrap_servers
asyncio.run(check_login(bootstrap_servers, settings.security))
create_topics(bootstrap_servers, settings.topics, settings.partitions, security=settings.security)
