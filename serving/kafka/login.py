"""Why a secured broker rejects a login: the client libraries only retry, and report that no broker answers."""

import asyncio
import ssl

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from model.errors import ServingError
from serving.errors import CertificateRefused, LoginRefused, TlsRefused
from serving.settings.security import KafkaSecurity

TIMEOUT_S = 5.0
REFUSALS = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)
BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # a broker that just ends


async def check_login(bootstrap_servers: str, security: KafkaSecurity) -> None:
    """Return when a broker lets us in, or when none answers: that is for others to say.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
    Raises:
        TlsRefused: the two sides agree on no TLS; most of all, its certificate is not trusted.
        CertificateRefused: it asks for a certificate of ours, and there is none, or none that it trusts.
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
            raise _refused(bootstrap_servers, error) from None
        except (KafkaError, OSError, TimeoutError) as error:
            # Since TLS 1.3 a broker looks at our certificate only when the client takes itself to be connected.
            if isinstance(error.__cause__, ssl.SSLError) and not isinstance(error.__cause__, BROKEN_OFF):
                raise _refused(bootstrap_servers, error.__cause__) from None
            continue
        connection.close()
        return


def _refused(bootstrap_servers: str, error: ssl.SSLError) -> ServingError:
    reason = getattr(error, "verify_message", "") or str(error.reason)
    # OpenSSL's names for what the other side said, in RFC 8446's words of section 6.2.
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
        return CertificateRefused(bootstrap_servers, reason)
    return TlsRefused(bootstrap_servers, reason)


def _said(error: KafkaError) -> str:
    return str(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error.description)
