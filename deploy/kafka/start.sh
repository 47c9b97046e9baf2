#!/usr/bin/env bash
# Runs one broker, in the official image: server.properties, and what this broker alone must be told.
set -euo pipefail

: "${CLUSTER_ID:?the same 22 characters for all brokers, from: kafka-storage.sh random-uuid}"
: "${VOTERS:?all brokers, as NUMBER@HOST:9093 separated by commas}"
: "${ADVERTISED_HOST:?the name by which clients reach this broker}"
: "${BROKERS_HOST:?the address on which this one listens to the other brokers; 127.0.0.1 if there are none}"
NODE_ID="${NODE_ID:-${HOSTNAME##*-}}" # kafka-2 is 2
REPLICAS="$(awk -F , '{print NF}' <<<"$VOTERS")"
IN_SYNC="$((REPLICAS > 1 ? REPLICAS - 1 : 1))"
BIN="${KAFKA_BIN:-/opt/kafka/bin}"
SETTINGS="${SETTINGS_DIR:-/run/kafka/settings}"
SECRETS="${SECRETS_DIR:-/run/kafka/secrets}" # broker.pem; username and password of the one user
DATA="${DATA_DIR:-/var/lib/kafka}"
CLIENTS_PORT="${CLIENTS_PORT:-9092}"
CONTROLLER_PORT="${CONTROLLER_PORT:-9093}"
BROKERS_PORT="${BROKERS_PORT:-9094}"

umask 077
properties="$(mktemp -d)/server.properties"
cat "$SETTINGS/server.properties" - >"$properties" <<END
node.id=$NODE_ID
controller.quorum.voters=$VOTERS
listeners=CLIENTS://:$CLIENTS_PORT,BROKERS://$BROKERS_HOST:$BROKERS_PORT,CONTROLLER://$BROKERS_HOST:$CONTROLLER_PORT
advertised.listeners=CLIENTS://$ADVERTISED_HOST:$CLIENTS_PORT,BROKERS://${ADVERTISED_BROKERS_HOST:-$BROKERS_HOST}:$BROKERS_PORT
log.dirs=$DATA/topics
ssl.keystore.location=$SECRETS/broker.pem
default.replication.factor=$REPLICAS
min.insync.replicas=$IN_SYNC
offsets.topic.replication.factor=$REPLICAS
transaction.state.log.replication.factor=$REPLICAS
transaction.state.log.min.isr=$IN_SYNC
share.coordinator.state.topic.replication.factor=$REPLICAS
share.coordinator.state.topic.min.isr=$IN_SYNC
END

# Once: on a disk that has been formatted this does nothing, so later changes of the password need kafka-configs.sh.
"$BIN/kafka-storage.sh" format --ignore-formatted --cluster-id="$CLUSTER_ID" --config="$properties" \
    --add-scram="SCRAM-SHA-512=[name=$(<"$SECRETS/username"),password=$(<"$SECRETS/password")]"
exec "$BIN/kafka-server-start.sh" "$properties"
