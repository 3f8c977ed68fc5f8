import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
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
    in = converter(job.get("converter"));
    out = converter(job.get("converter"));
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
    for (byte[] each : records) digest.update(take(each));
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
}
