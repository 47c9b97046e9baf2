"""An embedded Kafka: a real broker, or three, that need no installation and die with their parent.

Read next: ``embedded_kafka`` (one broker), ``embedded_cluster`` (three), ``jars`` (Kafka without an installation).
"""
