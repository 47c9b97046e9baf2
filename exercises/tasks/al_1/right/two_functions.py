def named(servers):
    asyncio.run(check_login(servers, settings.security))
    return None, servers

def started():
    embedded = settings.embedded(lambda *_: stop.set())
    stack.enter_context(embedded)
    return embedded, embedded.bootstrap_servers

broker, bootstrap_servers = started() if bootstrap_servers is None else named(bootstrap_servers)
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
