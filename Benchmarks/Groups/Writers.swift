import CPlatform
import CommitLog
import Disk
import Primitives

/// The same appends to the same log, its batches written in different ways: why `UringStorage`
/// writes as it does. `WRITER.md` keeps the table.
enum Writers {
    static let idle = "log append, ways to write"
    static let busy = "same, busy processors"
    static let ours = "UringStorage"

    private static let rounds = 3

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        for appenders in [1, 64] where settings.wants("\(appenders)") {
            try measureAll(idle, appenders, settings, row)
        }
        let appenders = 64
        guard settings.wants("\(appenders)") else { return }
        let scratch = try Scratch(in: settings.scratch)
        let spinners = try (0..<Processors.count).map { (index) throws(Failure) in
            try Child(["sh", "-c", "while :; do :; done"], log: "\(scratch.path)/\(index).log")
        }
        try measureAll(busy, appenders, settings, row)
        withExtendedLifetime(spinners) {}
    }

    private static func measureAll(
        _ bench: String,
        _ appenders: Int,
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        // As the engine's core thread does, whose slices the ring's workers inherit.
        _ = platform_use_slices(Limits.coreSlice)
        defer { _ = platform_use_slices(0) }
        var settings = settings
        // There are many of them.
        settings.plan = settings.plan.inRounds(2 * rounds)
        var measured = [[Measurement]](repeating: [], count: Way.all.count + 1)
        for _ in 0..<rounds {
            for (index, way) in Way.all.enumerated() {
                measured[index].append(try measure(bench, way, appenders, settings))
            }
            measured[Way.all.count].append(try measureOurs(bench, appenders, settings))
        }
        for case let middle? in measured.map(\.middle) { row(middle) }
    }

    private static func measure(
        _ bench: String,
        _ way: Way,
        _ appenders: Int,
        _ settings: Settings
    ) throws(Failure) -> Measurement {
        let scratch = try Scratch(in: settings.scratch)
        let writer: any BatchWriter
        do throws(Failure) {
            writer = try way.makeWriter()
        } catch {
            let notes = "not measured: \(error)"
            return Measurement(bench, way.name, clients: "\(appenders)", notes: notes)
        }
        do {
            let store = TrialStorage(way, writer, path: scratch.path, waker: try Waker())
            return try LogFloor.measure(bench, way.name, store, appenders, settings.plan)
        } catch {
            throw Failure("\(way.name): \(error)")
        }
    }

    private static func measureOurs(
        _ bench: String,
        _ appenders: Int,
        _ settings: Settings
    ) throws(Failure) -> Measurement {
        let scratch = try Scratch(in: settings.scratch)
        do {
            let store = try UringStorage(path: scratch.path, waker: try Waker())
            return try LogFloor.measure(bench, ours, store, appenders, settings.plan)
        } catch {
            throw Failure("\(ours): \(error)")
        }
    }
}
