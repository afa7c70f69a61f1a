#!/bin/bash
# Prepares the folder of the log at the first start, then is the broker.
set -euo pipefail
properties=/etc/leastwise/kafka.properties
# Any id will do, as long as it stays the same: this is 16 bytes in base64.
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id bGVhc3R3aXNlLWRlbW8tMQ --config "$properties"
exec /opt/kafka/bin/kafka-server-start.sh "$properties"
