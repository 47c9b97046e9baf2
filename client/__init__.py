"""Everything around the servers: an embedded Kafka broker, the provider of wines and models, and the reader.

Read next: ``provider`` (what is published and how), then ``broker`` (a Kafka that needs no installation).
"""

import serving as serving  # first, for its check of the environment
