import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;

/** The peer of pipeline.ts: takes the same records through Kafka Connect's own classes. A job is a line of JSON, its measurement another. */
public class DataPlane {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Converter in;
  private final Converter out;
  private final int headerLength;
  private final List<Transformation<SinkRecord>> transforms = new ArrayList<>();
  private final List<byte[]> records = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = jobs.readLine(); line != null; line = jobs.readLine()) {
      JsonNode job = JSON.readTree(line);
      DataPlane plane = new DataPlane(job);
      String digest = plane.digest();
      plane.run(job.get("warmup").asInt());
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("digest", digest);
      List<Object> rounds = new ArrayList<>();
      for (int round = 0; round < job.get("rounds").asInt(); round++) {
        long cpu = SYSTEM.getProcessCpuTime();
        long start = System.nanoTime();
        plane.run(job.get("total").asInt());
        double seconds = (System.nanoTime() - start) / 1e9;
        rounds.add(Map.of("seconds", seconds, "cpuSeconds", (SYSTEM.getProcessCpuTime() - cpu) / 1e9));
      }
      answer.put("rounds", rounds);
      plane.steps(job.get("warmup").asInt());
      answer.put("steps", plane.steps(job.get("total").asInt()));
      answers.println(JSON.writeValueAsString(answer));
      answers.flush();
    }
    System.exit(0);
  }

  private DataPlane(JsonNode job) throws Exception {
    in = job.has("avroSchema") ? new AvroConverter(job.get("avroSchema").asText()) : converter(job.get("converter"));
    out = job.has("avroSchema") ? new AvroConverter(job.get("avroSchema").asText()) : converter(job.get("converter"));
    headerLength = job.get("headerLength").asInt();
    for (JsonNode each : job.get("transforms")) {
      @SuppressWarnings("unchecked")
      Transformation<SinkRecord> made = (Transformation<SinkRecord>) Class.forName(each.get("type").asText()).getDeclaredConstructor().newInstance();
      made.configure(texts(each.get("config")));
      transforms.add(made);
    }
    for (JsonNode each : job.get("records")) records.add(Base64.getDecoder().decode(each.asText()));
  }

  private static Converter converter(JsonNode described) throws Exception {
    Converter made = (Converter) Class.forName(described.get("type").asText()).getDeclaredConstructor().newInstance();
    made.configure(texts(described.get("config")), false);
    return made;
  }

  private static Map<String, String> texts(JsonNode config) {
    Map<String, String> made = new HashMap<>();
    config.fields().forEachRemaining(each -> made.put(each.getKey(), each.getValue().asText()));
    return made;
  }

  private byte[] take(byte[] bytes) {
    SchemaAndValue data = in.toConnectData("orders", bytes);
    SinkRecord record = new SinkRecord("orders", 0, null, null, data.schema(), data.value(), 0);
    for (Transformation<SinkRecord> each : transforms) record = each.apply(record);
    return out.fromConnectData("orders", record.valueSchema(), record.value());
  }

  private String digest() throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (byte[] each : records) {
      byte[] made = take(each);
      digest.update(made, headerLength, made.length - headerLength);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private long run(int total) {
    long length = 0;
    for (int done = 0; done < total; done += records.size()) {
      for (byte[] each : records) length += take(each).length;
    }
    return length;
  }

  /** Nanoseconds a record of each step, a step after the other for all records. */
  private List<Double> steps(int total) {
    long[] spent = new long[transforms.size() + 2];
    int count = 0;
    SinkRecord[] batch = new SinkRecord[records.size()];
    for (int done = 0; done < total; done += records.size()) {
      long at = System.nanoTime();
      for (int i = 0; i < batch.length; i++) {
        SchemaAndValue data = in.toConnectData("orders", records.get(i));
        batch[i] = new SinkRecord("orders", 0, null, null, data.schema(), data.value(), 0);
      }
      int step = 0;
      long next = System.nanoTime();
      spent[step++] += next - at;
      for (Transformation<SinkRecord> each : transforms) {
        at = next;
        for (int i = 0; i < batch.length; i++) batch[i] = each.apply(batch[i]);
        next = System.nanoTime();
        spent[step++] += next - at;
      }
      at = next;
      for (SinkRecord each : batch) out.fromConnectData("orders", each.valueSchema(), each.value());
      spent[step] += System.nanoTime() - at;
      count += batch.length;
    }
    List<Double> each = new ArrayList<>();
    for (long nanos : spent) each.add((double) nanos / count);
    return each;
  }

  /**
   * What AvroConverter does once it has its schemas: Avro's own decoder and encoder, and AvroData, which is open in Apicurio's
   * copy of it. Both are kept for each schema, as the serializers do.
   */
  private static class AvroConverter implements Converter {
    private final AvroData data = new AvroData(new AvroDataConfig(new HashMap<>()));
    private final org.apache.avro.Schema written;
    private final GenericDatumReader<Object> reader;
    private final Map<org.apache.avro.Schema, GenericDatumWriter<Object>> writers = new java.util.IdentityHashMap<>();
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;

    AvroConverter(String schema) {
      written = new org.apache.avro.Schema.Parser().parse(schema);
      reader = new GenericDatumReader<>(written);
    }

    @Override
    public void configure(Map<String, ?> config, boolean isKey) {}

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] bytes) {
      try {
        decoder = DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, decoder);
        return data.toConnectData(written, reader.read(null, decoder));
      } catch (IOException e) {
        throw new IllegalArgumentException(e);
      }
    }

    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
      try {
        org.apache.avro.Schema avro = data.fromConnectSchema(schema);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(0);
        bytes.write(new byte[4]);
        encoder = EncoderFactory.get().directBinaryEncoder(bytes, encoder);
        writers.computeIfAbsent(avro, GenericDatumWriter::new).write(data.fromConnectData(schema, value), encoder);
        return bytes.toByteArray();
      } catch (IOException e) {
        throw new IllegalArgumentException(e);
      }
    }
  }
}
