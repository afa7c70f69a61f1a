import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Appends {@code count} records per codec with Java's own client: {@code brokers topic count codec...}. */
public final class Produce {
  public static void main(String[] args) throws Exception {
    int number = 0;
    for (int i = 3; i < args.length; i++) {
      Properties config = new Properties();
      config.put("bootstrap.servers", args[0]);
      config.put("compression.type", args[i]);
      config.put("linger.ms", "200");
      config.put("batch.size", "300000");
      config.put("key.serializer", StringSerializer.class.getName());
      config.put("value.serializer", StringSerializer.class.getName());
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
        for (int n = 0; n < Integer.parseInt(args[2]); n++, number++) {
          String value = args[i] + " " + number + " " + "padding ".repeat(40);
          ProducerRecord<String, String> record = new ProducerRecord<>(args[1], "key-" + number % 17, value);
          record.headers().add("number", String.valueOf(number).getBytes());
          producer.send(record);
        }
      }
    }
  }
}
