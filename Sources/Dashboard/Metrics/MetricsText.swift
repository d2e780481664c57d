import Engine
import Observability
import Primitives

/// What `/metrics` says, and collectors are sent. Names and units are by the conventions of
/// Prometheus; how many series there are is bounded, whatever users call their queues and
/// functions.
struct MetricsText {
    var writer = MetricsWriter()
    let picture: EnginePicture
    private let host: HostFigures
    let totals: RecordTotals
    private let facts: DashboardFacts
    private let telemetry: TelemetryFigures
    private let processes: [ProcessRow]

    /// Queues that have series of their own. The rest is one series under this name.
    private static let queueLimit = 500
    static let others = "(other)"

    /// All families.
    static func families(
        _ picture: EnginePicture,
        _ host: HostFigures,
        _ totals: RecordTotals,
        _ facts: DashboardFacts,
        _ telemetry: TelemetryFigures,
        _ processes: [ProcessRow],
        inbox: (commands: Int, bytes: Int)
    ) -> [MetricFamily] {
        var text = MetricsText(picture, host, totals, facts, telemetry, processes)
        text.process()
        text.configuration()
        text.queues()
        text.messages()
        text.cron()
        text.functions()
        text.edges()
        text.workerProcesses()
        text.log()
        text.core(inbox)
        text.shed()
        return text.writer.families
    }

    private init(
        _ picture: EnginePicture,
        _ host: HostFigures,
        _ totals: RecordTotals,
        _ facts: DashboardFacts,
        _ telemetry: TelemetryFigures,
        _ processes: [ProcessRow]
    ) {
        self.telemetry = telemetry
        self.processes = processes
        self.picture = picture
        self.host = host
        self.totals = totals
        self.facts = facts
    }

    // MARK: Process

    private mutating func process() {
        writer.family("iii_build_info", .gauge, "The version of the engine, as a label.")
        writer.sample("iii_build_info", 1, [("version", facts.version)])
        writer.family("process_start_time_seconds", .gauge, "When the engine was started.")
        writer.sample(
            "process_start_time_seconds",
            Double(facts.started.nanoseconds) / 1_000_000_000
        )
        writer.family("process_cpu_seconds_total", .counter, "CPU time of all threads.")
        writer.sample("process_cpu_seconds_total", host.cpuSeconds)
        writer.single(
            "process_resident_memory_bytes",
            .gauge,
            "Memory that is resident.",
            host.memoryBytes
        )
        writer.single("process_open_fds", .gauge, "Open file descriptors.", host.openFiles)
        writer.single("process_max_fds", .gauge, "The most of them.", host.fileLimit)
    }

    private mutating func configuration() {
        writer.single(
            "iii_config_last_reload_successful",
            .gauge,
            "1 where the configuration could be taken when it was read last.",
            facts.settings.isTaken ? 1 : 0
        )
        let name = "iii_config_last_reload_success_timestamp_seconds"
        writer.family(name, .gauge, "When the configuration was read last and could be taken.")
        writer.sample(name, Double(facts.settings.takenAt.nanoseconds) / 1_000_000_000)
    }

    // MARK: Queues

    private mutating func queues() {
        let all = picture.allQueues
        let fullest = picture.queues.sorted {
            ($1.counts.depth + $1.counts.dead, $0.name)
                < ($0.counts.depth + $0.counts.dead, $1.name)
        }.prefix(Self.queueLimit)
        // The rest of a counter would fall with every queue that gets a series: the choice must not
        // change with what is in them, as the rows of a picture do that has not all.
        let isWhole = all.queues <= picture.queues.count
        let first = isWhole ? picture.queues.prefix(Self.queueLimit) : []
        func family(
            _ name: String,
            _ kind: MetricsWriter.Kind,
            _ help: String,
            _ value: (EnginePicture.QueueCounts) -> UInt64
        ) {
            writer.family(name, kind, help)
            let own = kind == .counter ? first : fullest
            for row in own { writer.sample(name, value(row.counts), [("queue", row.name)]) }
            guard all.queues > own.count else { return }
            let rest = own.reduce(value(all)) { $0 - value($1.counts) }
            writer.sample(name, rest, [("queue", Self.others)])
        }
        family("iii_queue_depth", .gauge, "Messages that wait, are delayed or in flight.") {
            UInt64($0.depth)
        }
        family("iii_queue_in_flight", .gauge, "Messages that a worker has.") {
            UInt64($0.inFlight)
        }
        family("iii_queue_delayed", .gauge, "Messages that wait for their next attempt.") {
            UInt64($0.delayed)
        }
        family("iii_queue_dead_letters", .gauge, "Dead letters that are in the queue now.") {
            UInt64($0.dead)
        }
        family("iii_queue_attempts_total", .counter, "Deliveries, those of retries included.") {
            $0.tally.delivered
        }
        family("iii_queue_acked_total", .counter, "Messages that were done.") { $0.tally.acked }
        family("iii_queue_retried_total", .counter, "Deliveries that failed and are repeated.") {
            $0.tally.retried
        }
        family("iii_queue_dead_lettered_total", .counter, "Messages that became dead letters.") {
            $0.tally.dead
        }
        let name = "iii_queue_oldest_message_age_seconds"
        writer.family(name, .gauge, "How long the oldest message that waits has done so.")
        for row in fullest {
            let age = row.oldest.map { max(0, $0.distance(to: picture.now).nanoseconds) } ?? 0
            writer.sample(name, Double(age) / 1_000_000_000, [("queue", row.name)])
        }
    }

    private mutating func messages() {
        let counts = picture.counts
        let counters: [(String, String, UInt64)] = [
            ("iii_messages_enqueued_total", "Messages that were taken.", counts.enqueued),
            ("iii_state_writes_total", "Writes of the state.", counts.state),
            ("iii_stream_events_total", "Changes and events of streams.", counts.stream),
            ("iii_cron_fired_total", "Cron slots that fired.", counts.cron),
            ("iii_calls_total", "Runs of functions but for deliveries.", counts.calls),
        ]
        for (name, help, value) in counters { writer.single(name, .counter, help, value) }
    }

    // MARK: Edges

    private mutating func edges() {
        writer.single(
            "iii_workers",
            .gauge,
            "Workers that are connected.",
            picture.work.workers,
            as: "iii.workers.active"
        )
        writer.single(
            "iii_workers_spawned_total",
            .counter,
            "Workers that have connected.",
            picture.work.spawned,
            as: "iii.workers.spawns.total"
        )
        writer.single(
            "iii_workers_died_total",
            .counter,
            "Workers whose connection has ended.",
            picture.work.died,
            as: "iii.workers.deaths.total"
        )
        writer.single(
            "iii_functions",
            .gauge,
            "Functions that workers serve.",
            picture.work.functions
        )
        writer.single("iii_triggers", .gauge, "Triggers.", picture.work.triggers)
        writer.family("iii_connections", .gauge, "Open connections.")
        for row in host.connections {
            writer.sample("iii_connections", row.count, [("listener", row.listener)])
        }
        writer.single(
            "iii_stream_subscribers",
            .gauge,
            "Subscriptions of groups of streams.",
            picture.work.subscribers
        )
        writer.family("iii_http_responses_total", .counter, "Responses to HTTP requests.")
        for (status, count) in picture.work.replies.sorted(by: { $0.key < $1.key }) {
            writer.sample("iii_http_responses_total", count, [("code", String(status))])
        }
        writer.single(
            "iii_http_requests_open",
            .gauge,
            "HTTP requests without a response.",
            picture.work.requests + picture.work.waitingRequests
        )
    }

    // MARK: Worker processes

    private mutating func workerProcesses() {
        func family(
            _ name: String,
            _ kind: MetricsWriter.Kind,
            _ help: String,
            _ value: (ProcessRow) -> Int?
        ) {
            writer.family(name, kind, help)
            for row in processes {
                guard let number = value(row) else { continue }
                writer.sample(name, number, [("process", row.name)])
            }
        }
        family("iii_worker_process_running", .gauge, "1 while the worker process runs.") {
            $0.pid == nil ? 0 : 1
        }
        family("iii_worker_process_restarts_total", .counter, "Its starts behind the first.") {
            $0.restarts
        }
        family(
            "iii_worker_process_last_exit_status",
            .gauge,
            "What it exited with last, or 128 and the signal that ended it."
        ) { $0.lastEnding?.shellStatus.map { Int($0) } }
    }

    // MARK: The log

    private static let syncBounds: [UInt64] = [
        50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
        1_000_000, 5_000_000,
    ]
    private static let sizeBounds: [UInt64] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096]

    private mutating func log() {
        let syncs = picture.log.syncs
        writer.histogram(
            "iii_log_sync_seconds",
            "From a batch's write to its being on disk.",
            bounds: Self.syncBounds.map { Double($0) / 1_000_000 },
            cumulative: syncs.cumulative(Self.syncBounds.map { $0 * 1000 }),
            count: syncs.total,
            sum: syncs.sum / 1_000_000_000
        )
        let sizes = picture.log.sizes
        writer.histogram(
            "iii_log_batch_records",
            "Records that share a write.",
            bounds: Self.sizeBounds.map { Double($0) },
            cumulative: sizes.cumulative(Self.sizeBounds),
            count: sizes.total,
            sum: sizes.sum
        )
        writer.single(
            "iii_log_written_bytes_total",
            .counter,
            "Bytes handed to the device.",
            picture.log.writtenBytes
        )
        writer.single(
            "iii_log_durable_offset",
            .gauge,
            "The offset behind the last record on disk.",
            picture.log.durable.rawValue
        )
        writer.single(
            "iii_log_unsynced_records",
            .gauge,
            "Records that are not on disk yet.",
            picture.log.staged.rawValue - picture.log.durable.rawValue
        )
        writer.single("iii_log_bytes", .gauge, "Bytes of all segments.", host.logBytes)
        writer.single("iii_log_segments", .gauge, "Segments.", host.segments)
        writer.single("iii_snapshots", .gauge, "Snapshots.", host.snapshots)
        writer.single(
            "iii_snapshot_offset",
            .gauge,
            "Up to where the newest one was folded.",
            host.newestSnapshot ?? 0
        )
        writer.single(
            "iii_disk_free_bytes",
            .gauge,
            "Room on the disk under the data directory.",
            host.diskFreeBytes
        )
        writer.single("iii_disk_bytes", .gauge, "Size of that disk.", host.diskBytes)
        writer.single(
            "iii_storage_shortage",
            .gauge,
            "1 while new work is refused since the disk is full.",
            picture.log.shortage == nil ? 0 : 1
        )
    }

    private mutating func core(_ inbox: (commands: Int, bytes: Int)) {
        writer.single("iii_inbox_commands", .gauge, "What waits for the core.", inbox.commands)
        writer.single("iii_inbox_bytes", .gauge, "The same in bytes.", inbox.bytes)
        writer.single(
            "iii_gate_held",
            .gauge,
            "Answers and deliveries that wait for their records to be on disk.",
            picture.work.held
        )
    }

    private mutating func shed() {
        writer.single(
            "iii_telemetry_dropped_total",
            .counter,
            "Messages of spans, logs or metrics that there was no room or time for.",
            picture.work.droppedTelemetry
        )
        writer.single(
            "iii_telemetry_triggers_dropped_total",
            .counter,
            "Runs for log lines and traces that did not take place, since they were too many.",
            picture.work.droppedFirings
        )
        writer.single(
            "iii_follower_skipped_records_total",
            .counter,
            "Records that telemetry and the list of requests passed over.",
            totals.skipped
        )
        writer.single(
            "iii_spans_not_sampled_total",
            .counter,
            "Spans that sampling passed over.",
            telemetry.unsampledSpans
        )
        writer.single(
            "iii_telemetry_export_lost_total",
            .counter,
            "Spans, lines and metrics that no collector took.",
            telemetry.lostExports
        )
    }
}

/// What became of telemetry behind the core.
struct TelemetryFigures: Sendable {
    let unsampledSpans: UInt64
    let lostExports: UInt64

    init(_ followed: FollowedLog) {
        unsampledSpans = followed.unsampledSpans
        lostExports = followed.lostExports
    }
}
