import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Values;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.SinkConnectorConfig;
import org.apache.kafka.connect.runtime.SourceConnectorConfig;
import org.apache.kafka.connect.runtime.TransformationStage;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Answers cases with the classes of the real Kafka Connect: a case of kind smt or converter as one line of JSON in, its
 * "expect" as one line of JSON out, until the input ends. A case that cannot even be made (a value that does not fit its
 * schema, say) is answered by {"broken": why}.
 */
public class Reference {
  private static final JsonMapper JSON = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
  /** What {@code byte[].toString()} makes: another text each time. */
  private static final Pattern ADDRESS = Pattern.compile("\\[B@[0-9a-f]+");
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final Plugins plugins;
  private final ConnectMetrics metrics;
  private int chains;

  public static void main(String[] args) throws Exception {
    PrintStream answers = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
    // What libraries print must not come between the answers.
    System.setOut(System.err);
    Reference reference = new Reference();
    BufferedReader cases = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = cases.readLine(); line != null; line = cases.readLine()) {
      answers.println(JSON.writeValueAsString(reference.answer(line)));
      if (!cases.ready()) answers.flush();
    }
    answers.flush();
    System.exit(0);
  }

  private Reference() {
    String converter = "org.apache.kafka.connect.json.JsonConverter";
    Map<String, String> worker = new HashMap<>();
    worker.put("bootstrap.servers", "127.0.0.1:1");
    worker.put("offset.storage.file.filename", "none");
    worker.put("key.converter", converter);
    worker.put("value.converter", converter);
    worker.put("plugin.discovery", "service_load");
    plugins = new Plugins(worker);
    plugins.compareAndSwapWithDelegatingLoader();
    metrics = new ConnectMetrics("reference", new StandaloneConfig(worker), Time.SYSTEM, "reference");
  }

  private JsonNode answer(String line) {
    try {
      JsonNode each = JSON.readTree(line);
      JsonNode answer = each.get("kind").asText().equals("smt") ? transform(each) : convert(each);
      if (ADDRESS.matcher(answer.toString()).find()) throw new IllegalStateException("the address of an object is in the answer");
      return answer;
    } catch (Failure failure) {
      return failure.toJson();
    } catch (Throwable broken) {
      return NODES.objectNode().put("broken", String.valueOf(broken));
    }
  }

  // Transformations

  private <R extends ConnectRecord<R>> JsonNode transform(JsonNode each) throws Exception {
    boolean sink = each.get("connectorType").asText().equals("sink");
    Map<String, String> config = texts(each.get("config"));
    config.put("name", "reference");
    config.put("connector.class", sink ? "FileStreamSink" : "FileStreamSource");
    if (sink) config.put("topics", "t");
    @SuppressWarnings("unchecked")
    R record = (R) record(each.get("record"), sink);
    List<TransformationStage<R>> stages = Failure.during("config", () -> {
      ConnectorConfig parsed = sink ? new SinkConnectorConfig(plugins, config) : new SourceConnectorConfig(plugins, config, false);
      return parsed.transformationStages(plugins, new ConnectorTaskId("reference-" + chains++, 0), metrics);
    });
    try {
      R transformed = Failure.during("apply", () -> {
        R current = record;
        for (TransformationStage<R> stage : stages) if (current != null) current = stage.apply(current);
        return current;
      });
      if (transformed == null) return NODES.objectNode().put("dropped", true);
      return NODES.objectNode().set("record", json(transformed));
    } finally {
      for (TransformationStage<R> stage : stages) stage.close();
    }
  }

  private static ConnectRecord<?> record(JsonNode json, boolean sink) {
    SchemaAndValue key = typed(json.get("key"));
    SchemaAndValue value = typed(json.get("value"));
    String topic = json.get("topic").asText();
    Integer partition = json.hasNonNull("partition") ? (Integer) json.get("partition").asInt() : null;
    Long timestamp = json.hasNonNull("timestamp") ? Long.valueOf(json.get("timestamp").asText()) : null;
    ConnectHeaders headers = new ConnectHeaders();
    for (JsonNode header : json.path("headers")) headers.add(header.get("key").asText(), typed(header));
    if (!sink) {
      return new SourceRecord(Map.of("p", "1"), Map.of("o", 1L), topic, partition, key.schema(), key.value(), value.schema(), value.value(), timestamp, headers);
    }
    TimestampType type = timestamp == null ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME;
    long offset = json.path("offset").asLong(0);
    int at = partition == null ? 0 : partition;
    return new SinkRecord(topic, at, key.schema(), key.value(), value.schema(), value.value(), offset, timestamp, type, headers);
  }

  private static ObjectNode json(ConnectRecord<?> record) {
    ObjectNode json = NODES.objectNode().put("topic", record.topic()).put("partition", record.kafkaPartition());
    if (record instanceof SinkRecord sinkRecord) json.put("offset", String.valueOf(sinkRecord.kafkaOffset()));
    json.put("timestamp", record.timestamp() == null ? null : String.valueOf(record.timestamp()));
    json.set("key", typed(record.keySchema(), record.key()));
    json.set("value", typed(record.valueSchema(), record.value()));
    ArrayNode headers = json.putArray("headers");
    for (Header header : record.headers()) headers.addObject().put("key", header.key()).setAll(typed(header.schema(), header.value()));
    return json;
  }

  // Converters

  private static JsonNode convert(JsonNode each) throws Exception {
    String className = each.get("class").asText();
    String direction = each.get("direction").asText();
    String topic = each.path("topic").asText("t");
    JsonNode input = each.get("input");
    if (className.equals(Values.class.getName())) return values(direction, input, each.path("scale").asInt(0));
    Object converter = Class.forName(className).getDeclaredConstructor().newInstance();
    Map<String, String> config = texts(each.get("config"));
    if (direction.endsWith("Header")) {
      config.put("converter.type", "header");
      HeaderConverter headers = (HeaderConverter) converter;
      String header = each.get("header").asText();
      Failure.during("config", () -> {
        headers.configure(config);
        return null;
      });
      if (direction.startsWith("to")) return result(Failure.during("convert", () -> headers.toConnectHeader(topic, header, raw(input))));
      SchemaAndValue from = typed(input);
      return bytes(className, Failure.during("convert", () -> headers.fromConnectHeader(topic, header, from.schema(), from.value())));
    }
    Converter data = (Converter) converter;
    Failure.during("config", () -> {
      data.configure(config, each.path("isKey").asBoolean());
      return null;
    });
    if (direction.startsWith("to")) return result(Failure.during("convert", () -> data.toConnectData(topic, raw(input))));
    SchemaAndValue from = typed(input);
    return bytes(className, Failure.during("convert", () -> data.fromConnectData(topic, from.schema(), from.value())));
  }

  private static JsonNode values(String direction, JsonNode input, int scale) throws Exception {
    if (direction.equals("parseString")) return result(Failure.during("convert", () -> Values.parseString(input.isNull() ? null : input.asText())));
    SchemaAndValue from = Failure.during("convert", () -> typed(input));
    if (direction.equals("convertToString")) {
      return NODES.objectNode().put("string", Failure.during("convert", () -> Values.convertToString(from.schema(), from.value())));
    }
    Object converted = Failure.during("convert", () -> {
      if (direction.equals("convertToDecimal")) return Values.convertToDecimal(from.schema(), from.value(), scale);
      try {
        return Values.class.getMethod(direction, Schema.class, Object.class).invoke(null, from.schema(), from.value());
      } catch (java.lang.reflect.InvocationTargetException thrown) {
        throw (Exception) thrown.getCause();
      }
    });
    return NODES.objectNode().set("value", json(converted));
  }

  private static JsonNode result(SchemaAndValue result) {
    return result == null ? NODES.objectNode().putNull("result") : typed(result.schema(), result.value());
  }

  private static byte[] raw(JsonNode input) {
    return input.hasNonNull("bytes") ? Base64.getDecoder().decode(input.get("bytes").asText()) : null;
  }

  private static ObjectNode bytes(String className, byte[] bytes) {
    ObjectNode json = NODES.objectNode();
    if (bytes == null) return json.putNull("bytes");
    json.put("bytes", Base64.getEncoder().encodeToString(bytes));
    String text = new String(bytes, StandardCharsets.UTF_8);
    boolean printable = text.chars().allMatch(character -> character >= 32 || "\n\r\t".indexOf(character) >= 0);
    if (printable && Arrays.equals(bytes, text.getBytes(StandardCharsets.UTF_8))) json.put("text", text);
    // Encodings of two bytes a character have no text of their own here.
    if (ADDRESS.matcher(new String(bytes, StandardCharsets.ISO_8859_1).replace("\0", "")).find()) throw new IllegalStateException("the address of an object is in the answer");
    String numbers = text.replaceAll("\"(?:\\\\.|[^\"\\\\])*+\"", "");
    if (className.endsWith("JsonConverter") && numbers.matches("(?s).*\\d[.eE].*")) json.put("hasJavaFloatText", true);
    return json;
  }

  // Errors

  /** What the code under test threw, and in which phase. */
  private static final class Failure extends Exception {
    private static final Pattern IDENTITY = Pattern.compile("@[0-9a-f]{5,8}\\b");
    /** Parts of messages that come from the engines of regular expressions, date patterns and JSON, or from the JVM. */
    private static final Pattern FOREIGN = Pattern.compile("com\\.fasterxml|near index|Illegal pattern character|Unterminated quote|ConnectRecord\\{|OutOfBounds|REDACTED");
    private final String phase;

    private Failure(String phase, Throwable cause) {
      super(cause);
      this.phase = phase;
    }

    static <T> T during(String phase, Callable<T> work) throws Failure {
      try {
        return work.call();
      } catch (Throwable thrown) {
        throw new Failure(phase, thrown);
      }
    }

    JsonNode toJson() {
      ObjectNode error = NODES.objectNode().put("phase", phase);
      describe(error, getCause());
      Throwable cause = getCause();
      if (cause.getCause() != null) error.putArray("causes");
      for (int depth = 0; depth < 8 && cause.getCause() != null; depth++) {
        cause = cause.getCause();
        describe(((ArrayNode) error.get("causes")).addObject(), cause);
      }
      return NODES.objectNode().set("error", error);
    }

    private static void describe(ObjectNode json, Throwable thrown) {
      String message = thrown.getMessage();
      json.put("exceptionClass", thrown.getClass().getName());
      json.put("message", message == null ? null : IDENTITY.matcher(message).replaceAll("@<hash>"));
      if (isIncidental(thrown, message)) json.put("messageIsIncidental", true);
    }

    /** Whether a message says nothing of its own accord: it came from the JVM or a library, or has an object's address in it. */
    private static boolean isIncidental(Throwable thrown, String message) {
      if (message != null && (IDENTITY.matcher(message).find() || FOREIGN.matcher(message).find())) return true;
      if (isOwn(thrown.getClass().getName())) return false;
      if (thrown instanceof NullPointerException || thrown instanceof ClassCastException || thrown instanceof IndexOutOfBoundsException) return true;
      StackTraceElement[] stack = thrown.getStackTrace();
      return stack.length == 0 || !isOwn(stack[0].getClassName());
    }

    private static boolean isOwn(String className) {
      return className.startsWith("org.apache.kafka.") || className.startsWith("io.debezium.");
    }
  }

  // The vectors' form of schemas and values

  private static Map<String, String> texts(JsonNode json) {
    Map<String, String> texts = new LinkedHashMap<>();
    if (json != null) json.properties().forEach(each -> texts.put(each.getKey(), each.getValue().isNull() ? null : each.getValue().asText()));
    return texts;
  }

  private static SchemaAndValue typed(JsonNode json) {
    if (json == null || json.isNull()) return SchemaAndValue.NULL;
    Schema schema = schema(json.get("schema"));
    return new SchemaAndValue(schema, value(schema, json.get("value")));
  }

  private static ObjectNode typed(Schema schema, Object value) {
    ObjectNode json = NODES.objectNode();
    json.set("schema", json(schema));
    json.set("value", json(value));
    return json;
  }

  private static Schema schema(JsonNode json) {
    if (json == null || json.isNull()) return null;
    String type = json.get("type").asText();
    SchemaBuilder builder = switch (type) {
      case "float" -> SchemaBuilder.float32();
      case "double" -> SchemaBuilder.float64();
      case "array" -> SchemaBuilder.array(schema(json.get("items")));
      case "map" -> SchemaBuilder.map(schema(json.get("keys")), schema(json.get("values")));
      default -> SchemaBuilder.type(Schema.Type.valueOf(type.toUpperCase(java.util.Locale.ROOT)));
    };
    if (json.path("optional").asBoolean()) builder.optional();
    if (json.hasNonNull("name")) builder.name(json.get("name").asText());
    if (json.hasNonNull("version")) builder.version(json.get("version").asInt());
    if (json.hasNonNull("doc")) builder.doc(json.get("doc").asText());
    if (json.hasNonNull("parameters")) builder.parameters(texts(json.get("parameters")));
    for (JsonNode field : json.path("fields")) builder.field(field.get("field").asText(), schema(field));
    if (json.hasNonNull("default")) builder.defaultValue(value(builder, json.get("default")));
    return builder.build();
  }

  private static JsonNode json(Schema schema) {
    if (schema == null) return NODES.nullNode();
    ObjectNode json = NODES.objectNode();
    String type = schema.type().getName();
    json.put("type", type.equals("float32") ? "float" : type.equals("float64") ? "double" : type);
    json.put("optional", schema.isOptional());
    if (schema.name() != null) json.put("name", schema.name());
    if (schema.version() != null) json.put("version", schema.version());
    if (schema.doc() != null) json.put("doc", schema.doc());
    if (schema.parameters() != null && !schema.parameters().isEmpty()) json.set("parameters", JSON.valueToTree(schema.parameters()));
    if (schema.defaultValue() != null) json.set("default", json(schema.defaultValue()));
    if (schema.type() == Schema.Type.ARRAY) json.set("items", json(schema.valueSchema()));
    if (schema.type() == Schema.Type.MAP) {
      json.set("keys", json(schema.keySchema()));
      json.set("values", json(schema.valueSchema()));
    }
    if (schema.type() == Schema.Type.STRUCT) {
      ArrayNode fields = json.putArray("fields");
      for (Field field : schema.fields()) fields.addObject().put("field", field.name()).setAll((ObjectNode) json(field.schema()));
    }
    return json;
  }

  private static Object value(Schema schema, JsonNode json) {
    if (json == null || json.isNull()) return null;
    Map.Entry<String, JsonNode> tagged = json.properties().iterator().next();
    JsonNode payload = tagged.getValue();
    switch (tagged.getKey()) {
      case "bool": return payload.asBoolean();
      case "i8": return (byte) payload.asInt();
      case "i16": return (short) payload.asInt();
      case "i32": return payload.asInt();
      case "i64": return Long.valueOf(payload.asText());
      case "f32": return Float.valueOf(payload.asText());
      case "f64": return Double.valueOf(payload.asText());
      case "str": return payload.asText();
      case "bytes": return Base64.getDecoder().decode(payload.asText());
      case "bytebuffer": return ByteBuffer.wrap(Base64.getDecoder().decode(payload.asText()));
      case "bigint": return new BigInteger(payload.asText());
      case "decimal": return new BigDecimal(new BigInteger(payload.get("unscaled").asText()), payload.get("scale").asInt());
      case "date": return new Date(Long.parseLong(payload.asText()));
      case "list": {
        List<Object> list = new ArrayList<>();
        for (JsonNode item : payload) list.add(value(schema == null ? null : schema.valueSchema(), item));
        return list;
      }
      case "map": {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (JsonNode entry : payload) {
          map.put(value(schema == null ? null : schema.keySchema(), entry.get(0)), value(schema == null ? null : schema.valueSchema(), entry.get(1)));
        }
        return map;
      }
      case "struct": {
        Struct struct = new Struct(schema);
        for (Map.Entry<String, JsonNode> field : payload.properties()) {
          if (!field.getValue().isNull()) struct.put(field.getKey(), value(schema.field(field.getKey()).schema(), field.getValue()));
        }
        return struct;
      }
      default: throw new IllegalArgumentException("unknown tag " + tagged.getKey());
    }
  }

  private static JsonNode json(Object value) {
    if (value == null) return NODES.nullNode();
    ObjectNode json = NODES.objectNode();
    if (value instanceof Boolean of) return json.put("bool", of);
    if (value instanceof Byte of) return json.put("i8", (int) of);
    if (value instanceof Short of) return json.put("i16", (int) of);
    if (value instanceof Integer of) return json.put("i32", of);
    if (value instanceof Long of) return json.put("i64", of.toString());
    if (value instanceof Float of) return json.put("f32", of.toString());
    if (value instanceof Double of) return json.put("f64", of.toString());
    if (value instanceof String of) return json.put("str", of);
    if (value instanceof BigInteger of) return json.put("bigint", of.toString());
    if (value instanceof Date of) return json.put("date", String.valueOf(of.getTime()));
    if (value instanceof byte[] of) return json.put("bytes", Base64.getEncoder().encodeToString(of));
    if (value instanceof ByteBuffer of) {
      byte[] bytes = new byte[of.remaining()];
      of.duplicate().get(bytes);
      return json(bytes);
    }
    if (value instanceof BigDecimal of) {
      json.putObject("decimal").put("unscaled", of.unscaledValue().toString()).put("scale", of.scale());
      return json;
    }
    if (value instanceof Collection<?> of) {
      ArrayNode items = json.putArray("list");
      for (Object item : of) items.add(json(item));
      return json;
    }
    if (value instanceof Map<?, ?> of) {
      ArrayNode entries = json.putArray("map");
      of.forEach((key, item) -> entries.addArray().add(json(key)).add(json(item)));
      return json;
    }
    if (value instanceof Struct of) {
      ObjectNode fields = json.putObject("struct");
      for (Field field : of.schema().fields()) fields.set(field.name(), json(of.getWithoutDefault(field.name())));
      return json;
    }
    throw new IllegalArgumentException("no tag for " + value.getClass());
  }
}
