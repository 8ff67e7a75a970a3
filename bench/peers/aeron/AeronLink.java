// Aeron as a two-ended link, with the command line and the messages of hyperroute-bench-links
// (bench/native/links/measure.h): one process answers, another measures. The media driver is
// embedded and invoked by the only thread, since on two cores its own threads and the clients'
// would starve one another.
import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.FragmentAssembler;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.FragmentHandler;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.agrona.concurrent.AgentInvoker;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;

public final class AeronLink {
  private static final double[] LEVELS =
      {0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100};
  private static final int ECHO = 0;
  private static final int COUNTED = 1;
  private static final int COUNT_REPORT = 2;
  private static final int KIND_SHIFT = 56;
  private static final long NUMBER_MASK = (1L << KIND_SHIFT) - 1;
  private static final int HEAD_BYTES = 16;
  private static final int MESSAGE_BYTES_MAX = 1024;
  private static final int REQUEST_STREAM = 10;
  private static final int ANSWER_STREAM = 11;
  private static final int FRAGMENTS_MAX = 64;
  private static final int WARMUP_DIVISOR = 2;
  private static final long SILENCE_NS_MAX = 20_000_000_000L;
  private static final long NS_PER_SECOND = 1_000_000_000L;

  private final AgentInvoker driverInvoker;
  private final AgentInvoker clientInvoker;
  private final ExclusivePublication publication;
  private final Subscription subscription;
  private final FragmentHandler handler;
  private final UnsafeBuffer message = new UnsafeBuffer(new byte[MESSAGE_BYTES_MAX]);
  private final UnsafeBuffer report = new UnsafeBuffer(new byte[HEAD_BYTES]);
  private final Map<String, String> options;
  private final long[] samples;
  private int sampleCount;
  // The answering side's count and times, the measuring side's last answer.
  private long nextNumber;
  private long firstNs;
  private long lastNs;
  private long answeredNumber = -1;
  private int answeredKind = -1;
  private long answeredTime;

  private AeronLink(final Map<String, String> options, final boolean answers) throws Exception {
    this.options = options;
    samples = new long[number("--count", 10_000)];
    final int port = number("--port", 0);
    final Path folder = Files.createTempDirectory(Path.of("/dev/shm"), "hyperroute-aeron-");
    final MediaDriver driver = MediaDriver.launchEmbedded(new MediaDriver.Context()
        .aeronDirectoryName(folder.toString())
        .threadingMode(ThreadingMode.INVOKER)
        .sharedIdleStrategy(NoOpIdleStrategy.INSTANCE)
        .dirDeleteOnStart(true)
        .dirDeleteOnShutdown(true));
    driverInvoker = driver.sharedAgentInvoker();
    driverInvoker.start();
    final Aeron aeron = Aeron.connect(new Aeron.Context()
        .aeronDirectoryName(driver.aeronDirectoryName())
        .useConductorAgentInvoker(true)
        .driverAgentInvoker(driverInvoker)
        .idleStrategy(NoOpIdleStrategy.INSTANCE));
    clientInvoker = aeron.conductorAgentInvoker();
    clientInvoker.start();
    // The folder lies in memory and would outlive a process that is ended by a signal.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
    final String requests = "aeron:udp?endpoint=127.0.0.1:" + port;
    final String answers_ = "aeron:udp?endpoint=127.0.0.1:" + (port + 1);
    subscription = answers
        ? aeron.addSubscription(requests, REQUEST_STREAM)
        : aeron.addSubscription(answers_, ANSWER_STREAM);
    publication = answers
        ? aeron.addExclusivePublication(answers_, ANSWER_STREAM)
        : aeron.addExclusivePublication(requests, REQUEST_STREAM);
    final FragmentHandler taken = answers
        ? (buffer, offset, bytes, header) -> answer(buffer, offset, bytes)
        : (buffer, offset, bytes, header) -> {
          answeredKind = buffer.getByte(offset + 7);
          answeredNumber = buffer.getLong(offset, ByteOrder.LITTLE_ENDIAN) & NUMBER_MASK;
          answeredTime = buffer.getLong(offset + 8, ByteOrder.LITTLE_ENDIAN);
        };
    handler = new FragmentAssembler(taken);
  }

  private static void delete(final Path folder) {
    try (var paths = Files.walk(folder)) {
      paths.sorted(java.util.Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (final java.io.IOException gone) {
      return;
    }
  }

  private int number(final String name, final int otherwise) {
    final String text = options.get(name);
    return text == null ? otherwise : Integer.parseInt(text);
  }

  private void work() {
    driverInvoker.invoke();
    clientInvoker.invoke();
  }

  private void poll() {
    work();
    subscription.poll(handler, FRAGMENTS_MAX);
  }

  private void send(final org.agrona.DirectBuffer buffer, final int offset, final int bytes) {
    final long startNs = System.nanoTime();
    for (int turn = 1; publication.offer(buffer, offset, bytes) < 0; ++turn) {
      work();
      if ((turn & 0xFFFF) == 0 && System.nanoTime() - startNs > SILENCE_NS_MAX) {
        throw new IllegalStateException("takes no more");
      }
    }
  }

  private void head(final UnsafeBuffer to, final int kind, final long number, final long timeNs) {
    to.putLong(0, ((long) kind << KIND_SHIFT) | number, ByteOrder.LITTLE_ENDIAN);
    to.putLong(8, timeNs, ByteOrder.LITTLE_ENDIAN);
  }

  private void answer(final org.agrona.DirectBuffer buffer, final int offset, final int bytes) {
    final long number = buffer.getLong(offset, ByteOrder.LITTLE_ENDIAN) & NUMBER_MASK;
    switch (buffer.getByte(offset + 7)) {
      case ECHO -> send(buffer, offset, bytes);
      case COUNTED -> {
        if (number != nextNumber) throw new IllegalStateException("message " + number);
        if (nextNumber == 0) firstNs = System.nanoTime();
        ++nextNumber;
        if ((nextNumber & 0x3FF) == 0 || nextNumber == samples.length) lastNs = System.nanoTime();
      }
      case COUNT_REPORT -> {
        head(report, COUNT_REPORT, nextNumber, lastNs - firstNs);
        send(report, 0, HEAD_BYTES);
        nextNumber = 0;
      }
      default -> throw new IllegalStateException("a message of an unknown kind");
    }
  }

  private boolean await(final int kind, final long number, final long silenceNs) {
    final long startNs = System.nanoTime();
    for (int turn = 1; answeredKind != kind || answeredNumber != number; ++turn) {
      poll();
      if ((turn & 0xFF) == 0 && System.nanoTime() - startNs > silenceNs) return false;
    }
    answeredKind = -1;
    return true;
  }

  private void exchange(final long number) {
    head(message, ECHO, number, 0);
    send(message, 0, number("--bytes", 32));
    if (!await(ECHO, number, SILENCE_NS_MAX)) throw new IllegalStateException("no answer");
  }

  private void connect() {
    final long startNs = System.nanoTime();
    while (!publication.isConnected() || !subscription.isConnected()) {
      poll();
      if (System.nanoTime() - startNs > SILENCE_NS_MAX) throw new IllegalStateException("alone");
    }
    exchange(NUMBER_MASK);
  }

  private void roundTrips() {
    for (int done = 0; done < samples.length / WARMUP_DIVISOR; ++done) exchange(done);
    for (int done = 0; done < samples.length; ++done) {
      final long before = System.nanoTime();
      exchange(done);
      samples[sampleCount++] = System.nanoTime() - before;
    }
    printSamples();
  }

  private long countReport() {
    head(report, COUNT_REPORT, 0, 0);
    send(report, 0, HEAD_BYTES);
    final long startNs = System.nanoTime();
    while (answeredKind != COUNT_REPORT) {
      poll();
      if (System.nanoTime() - startNs > SILENCE_NS_MAX) throw new IllegalStateException("no report");
    }
    answeredKind = -1;
    return answeredTime;
  }

  private void stream() {
    // The first round warms the compiler up.
    long elapsedNs = 1;
    for (int round = 0; round < 2; ++round) {
      for (int number = 0; number < samples.length; ++number) {
        head(message, COUNTED, number, 0);
        send(message, 0, number("--bytes", 32));
        // As often as the C++ links' own progress: an offer alone moves nothing here.
        if ((number & 0x3F) == 0) work();
      }
      elapsedNs = countReport();
      if (answeredNumber != samples.length) throw new IllegalStateException("some are missing");
    }
    final double rate = (samples.length - 1) * (double) NS_PER_SECOND / elapsedNs;
    print(String.format("\"unit\":\"msg/s\",\"n\":%d,\"rate\":%.0f", samples.length, rate));
  }

  private void printSamples() {
    if (sampleCount == 0) return;
    Arrays.sort(samples, 0, sampleCount);
    final StringBuilder values = new StringBuilder();
    for (final double level : LEVELS) {
      final long rank = (Math.round(level * 100) * sampleCount + 9_999) / 10_000;
      if (!values.isEmpty()) values.append(',');
      values.append(samples[(int) Math.max(0, rank - 1)]);
    }
    final int count = sampleCount;
    sampleCount = 0;
    print("\"unit\":\"ns\",\"n\":" + count + ",\"values\":[" + values + "]");
  }

  private void print(final String figures) {
    final StringBuilder levels = new StringBuilder();
    for (final double level : LEVELS) {
      if (!levels.isEmpty()) levels.append(',');
      levels.append(level == Math.rint(level) ? String.valueOf((long) level) : level);
    }
    System.out.printf("{\"levels\":[%s],\"rounds\":[%n{\"case\":\"%s\",\"subject\":\"%s\",%s}%n]}%n",
        levels, options.get("--name"), options.get("--subject"), figures);
    System.out.flush();
  }

  public static void main(final String[] arguments) throws Exception {
    final Map<String, String> options = new HashMap<>();
    for (int index = 1; index + 1 < arguments.length; index += 2) {
      options.put(arguments[index], arguments[index + 1]);
    }
    final AeronLink link = new AeronLink(options, arguments[0].equals("answer"));
    if (arguments[0].equals("answer")) {
      for (;;) link.poll();
    }
    link.connect();
    switch (arguments[0]) {
      case "rtt" -> link.roundTrips();
      case "stream" -> link.stream();
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    System.exit(0);
  }
}
