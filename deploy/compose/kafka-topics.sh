#!/bin/bash
# Makes the topics that are not there yet.
set -euo pipefail
create() {
  local topic=$1
  shift
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists --topic "$topic" "$@"
}
create audit-events --partitions 6 --config max.message.bytes=8388608
create audit-events-keyed --partitions 6 --config max.message.bytes=1048588
create leastwise-dead-letters --partitions 1
