def broker_ended(death):
    shown_last.append(death)
    stop.set()

shown_last = []
if bootstrap_servers:
    with asyncio.Runner() as runner:
        runner.run(check_login(bootstrap_servers, settings.security))
else:
    broker = settings.embedded(broker_ended)
    stack.callback(broker.stop)
    broker.start()
    bootstrap_servers = broker.bootstrap_servers
create_topics(bootstrap_servers, settings.topics, settings.partitions, settings.security)
