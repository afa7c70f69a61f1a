package bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The peer of the stream bench: audit events counted in hourly windows per (user, verb, group, resource, namespace,
 * decision), exactly once. Counts stay with their partition, as ours do, so nothing is repartitioned; copies of an event
 * are not recognised, which ours does.
 *
 * Arguments: brokers, topic, application id, folder for RocksDB.
 */
public final class Counts {
  private static final String STORE = "counts";
  private static final Duration WINDOW = Duration.ofHours(1);

  public static void main(String[] args) {
    var properties = new Properties();
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, args[2]);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, args[3]);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    // The best of what was tried: a commit writes each count that changed once.
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    properties.put(StreamsConfig.producerPrefix("compression.type"), "lz4");

    var store = Stores.persistentWindowStore(STORE, Duration.ofHours(24), WINDOW, false);
    var topology = new Topology();
    topology.addSource("events", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), args[1]);
    topology.addProcessor("count", Counter::new, "events");
    topology.addStateStore(
        Stores.windowStoreBuilder(store, Serdes.String(), Serdes.Long()).withCachingEnabled(), "count");
    var streams = new KafkaStreams(topology, properties);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
  }

  private static final class Counter implements Processor<byte[], byte[], Void, Void> {
    private final EventReader reader = new EventReader();
    private WindowStore<String, Long> counts;

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      counts = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> message) {
      reader.read(message.value());
      var known = counts.fetch(reader.key, reader.windowMs);
      counts.put(reader.key, known == null ? 1L : known + 1, reader.windowMs);
    }
  }

  /** Reads the fields that are needed and skips over all others. */
  private static final class EventReader {
    private static final String NONE = "";
    private final JsonFactory json = new JsonFactory();
    private final Map<String, Long> hours = new HashMap<>();
    private String verb;
    private String user;
    private String group;
    private String resource;
    private String namespace;
    private String decision;
    String key;
    long windowMs;

    void read(byte[] event) {
      verb = user = group = resource = namespace = decision = NONE;
      try (JsonParser parser = json.createParser(event)) {
        parser.nextToken();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          var name = parser.currentName();
          var value = parser.nextToken();
          switch (name) {
            case "verb" -> verb = parser.getText();
            case "requestReceivedTimestamp" -> windowMs = hourOf(parser.getText());
            case "user", "objectRef", "annotations" -> readObject(name, parser, value);
            default -> parser.skipChildren();
          }
        }
      } catch (IOException error) {
        throw new IllegalArgumentException("an event that is no JSON", error);
      }
      key = String.join("\0", user, verb, group, resource, namespace, decision);
    }

    private void readObject(String object, JsonParser parser, JsonToken start) throws IOException {
      if (start != JsonToken.START_OBJECT) return;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        var name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "username" -> user = parser.getText();
          case "apiGroup" -> group = parser.getText();
          case "resource" -> resource = parser.getText();
          case "namespace" -> namespace = parser.getText();
          case "authorization.k8s.io/decision" -> decision = parser.getText();
          default -> parser.skipChildren();
        }
      }
    }

    private long hourOf(String time) {
      return hours.computeIfAbsent(time.substring(0, 13), hour -> Instant.parse(hour + ":00:00Z").toEpochMilli());
    }
  }
}
