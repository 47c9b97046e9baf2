"""Why a secured broker does not let us in: the client libraries only try again, for ever, and say that none answers."""

import asyncio
import ssl

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from serving.errors import LoginRefused, TlsRefused
from serving.kafka_security import KafkaSecurity

TIMEOUT_S = 5.0
REFUSALS = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)
BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # a broker that just ends


async def check_login(bootstrap_servers: str, security: KafkaSecurity) -> None:
    """Return when a broker lets us in, or when none answers: that is for others to say.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
    Raises:
        TlsRefused: the two sides agree on no TLS; most of all, its certificate is not trusted.
        LoginRefused: wrong user, wrong password, wrong mechanism.
    """
    if security.protocol == "PLAINTEXT":
        return
    for host, port, _ in collect_hosts(bootstrap_servers):
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = await create_conn(host, port, **security.for_aiokafka())
        except REFUSALS as error:
            assert security.login is not None
            raise LoginRefused(bootstrap_servers, security.login.username, _said(error)) from None
        except BROKEN_OFF:
            continue
        except ssl.SSLError as error:
            raise TlsRefused(bootstrap_servers, getattr(error, "verify_message", "") or str(error.reason)) from None
        except (KafkaError, OSError, TimeoutError):
            continue
        connection.close()
        return


def _said(error: KafkaError) -> str:
    return str(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error.description)
