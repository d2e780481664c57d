package import NetServer
package import Primitives
import RecordFormat
package import StreamGateway

/// Everything that a user may set, with the defaults of a fresh engine.
///
/// Invariants, once loaded by ``load(from:version:)``: every path is absolute; a queue called
/// `default` exists; a FIFO queue names its group field; ports and sizes are in range.
package struct Configuration: Equatable, Sendable {
    package var engine = Engine()
    package var http = HTTP()
    package var stream = Stream()
    package var queue = Queue()
    package var cron = Cron()
    package var state = State()
    package var entries = Entries()
    package var observability = Observability()
    package var log = Log()
    package var security = Security()
    package var httpFunctions = HTTPFunctions()
    /// Further listeners for workers, in the order of the file.
    package var workerListeners: [WorkerListener] = []
    /// Worker processes that the engine starts and keeps running, in the order of the file.
    package var exec: [Exec] = []

    package init() {}
}

extension Configuration {
    /// The listener for workers, and what holds for the engine as a whole.
    package struct Engine: Equatable, Sendable {
        package var address = ListenAddress(host: "127.0.0.1", port: 49134)
        /// The data directory; absolute once loaded.
        package var data = "data"
        package var durability = Durability.sync
        package var duplicateFunctions = DuplicateFunctions.balance
        /// How long a worker's registrations wait for it to say which namespace it is in.
        package var registrationNamespaceGrace = Timestamp.Span.seconds(5)
        /// What holds for the workers of this listener.
        package var access = ListenerAccess()
        /// Whether workers may observe functions.
        package var observe = true
        /// How long a worker may take for a call before that ends with `invocation_timeout`; nil:
        /// as long as it likes.
        package var invocationTimeout: Timestamp.Span?
        /// How long a stop waits for what runs.
        package var drainTimeout = Timestamp.Span.seconds(10)

        package init() {}
    }

    /// When an answer may leave the engine.
    package enum Durability: Equatable, Sendable {
        /// Nothing leaves before its record is on disk.
        case sync
        /// Answers may leave up to this long before their records are on disk; above zero.
        case interval(Timestamp.Span)

        /// As it is configured: `sync`, `interval:50ms`.
        var text: String {
            switch self {
            case .sync: "sync"
            case .interval(let span): "interval:\(Quantity.text(span))"
            }
        }
    }

    /// What happens when a second live worker registers a function that is taken.
    package enum DuplicateFunctions: String, CaseIterable, Equatable, Sendable {
        /// The workers share its calls.
        case balance
        /// The second one is refused.
        case reject
    }

    /// Who joins a group of a stream.
    package enum StreamJoins: String, CaseIterable, Equatable, Sendable {
        /// Whom no function refuses.
        case open
        /// Whom a function was asked about, and all that were asked have answered.
        case required
    }

    /// The listener for streams.
    package struct Stream: Equatable, Sendable {
        package var address = ListenAddress(host: "127.0.0.1", port: 3112)
        /// The function that is asked what it knows of every connection; nil: none.
        package var authFunction: String?
        package var join = StreamJoins.open
        /// What a subscriber gets that does not take what it is sent.
        package var slow = SlowPolicy.drop
        /// Web origins that pages may connect from besides loopback ones; `*` for all.
        package var origins: [String] = []

        package init() {}
    }

    /// The function queues, by name. `default` is always among them.
    package struct Queue: Equatable, Sendable {
        package var queues = ["default": FunctionQueue()]
        /// How long a worker may take for a message before it is delivered again; zero: as long as
        /// it likes.
        package var lease = Timestamp.Span.seconds(1800)

        package init() {}
    }

    package struct FunctionQueue: Equatable, Sendable {
        /// Deliveries at the same time, at least 1.
        package var concurrency: UInt32 = 10
        package var maxRetries: UInt32 = 3
        /// The base of the exponential delay between attempts.
        package var backoff = Timestamp.Span.seconds(1)
        package var type = QueueType.standard
        /// The top-level key of the payload that names a message's group; set where `type` is FIFO.
        package var messageGroupField: String?

        package init() {}
    }

    package enum QueueType: String, CaseIterable, Equatable, Sendable {
        case standard
        /// One message of a group at a time, in order.
        case fifo
    }

    package struct Cron: Equatable, Sendable {
        /// The zone in which expressions are read that name none.
        package var timezone = "UTC"

        package init() {}
    }

    package struct State: Equatable, Sendable {
        /// The largest value that `state::set` takes, in bytes; nil where only the record's own
        /// bound holds.
        package var maxValueBytes: Int?
        /// Whether writes run the functions of `state` triggers.
        package var triggersEnabled = true

        package init() {}
    }

    /// The entries of `configuration::*`.
    package struct Entries: Equatable, Sendable {
        /// A directory of files `ID.yaml` that say what entries are; absolute once loaded. Nil:
        /// there is none.
        package var directory: String?
        /// How long an entry stays that the last trigger for it has left; zero: for ever.
        package var ttl = Timestamp.Span.seconds(0)

        package init() {}
    }

    /// The commit log.
    package struct Log: Equatable, Sendable {
        package var io = LogIO.auto
        /// Where a segment ends and the next begins, in bytes.
        package var segmentBytes = 64 << 20
        /// What the views may keep in memory of what the log holds, in bytes.
        package var cacheBytes = 64 << 20
        /// How much of the log is sealed between two snapshots, in bytes: about what a start reads.
        package var snapshotBytes = 256 << 20
        /// How old a record must be before it may be removed; nil keeps everything.
        package var retention: Timestamp.Span?
        /// How large the log may grow before its oldest part may be removed; nil sets no bound.
        package var retentionBytes: Int?
        /// How the batches of sealed segments are stored.
        package var compression = Compression.zstd

        package init() {}
    }

    /// How the log reaches the disk.
    package enum LogIO: String, CaseIterable, Equatable, Sendable {
        /// io_uring where the kernel allows it, else plain system calls.
        case auto
        /// io_uring, or no start.
        case uring
        case plain
    }

    package enum Compression: String, CaseIterable, Equatable, Sendable {
        case none
        case zstd

        /// What the log's format calls it.
        var stored: RecordFormat.Compression {
            switch self {
            case .none: .none
            case .zstd: .zstd
            }
        }
    }

    /// Who may connect from beyond loopback. At most one of the two is set.
    package struct Security: Equatable, Sendable {
        /// The token itself; never empty.
        package var token: String?
        /// A file that holds the token; absolute once loaded.
        package var tokenFile: String?

        package init() {}
    }
}
