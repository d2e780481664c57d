import CommitLog
import Disk
import Primitives
import RecordFormat

/// Puts files in the place of damaged segments, so that a log opens again: every intact record
/// under its own offset, gaps for the rest.
///
/// No byte of the damaged files is written to: they get a second name in `quarantine/`, and then
/// lose their own to the new file, in one step. So a crash leaves each segment as it was or
/// repaired, and the same repair may be run again.
///
///     write log/N.seg.tmp, sync it                           all of them
///     link log/N.seg to quarantine/N.seg, sync quarantine/    all of them
///     write what is given up, and how far the log went, to the other slot of MANIFEST, sync it
///     move snap/M.snap to quarantine/, sync both              they know where records were
///     rename log/N.seg.tmp to log/N.seg, sync log/            one after the other
package struct Repair: ~Copyable {
    private let pass: LogPass
    private let plan: RepairPlan
    private let files: any Files
    private var writer: SegmentWriter?
    private var place = 0
    private var time = Timestamp(nanoseconds: 0)
    private var failure: ToolError?
    private var lost: [Manifest.Quarantine] = []

    /// - Precondition: nobody else writes to the log.
    package init(_ pass: LogPass, _ plan: RepairPlan, _ files: any Files) {
        self.pass = pass
        self.plan = plan
        self.files = files
    }

    package consuming func run() throws(ToolError) {
        guard !plan.items.isEmpty else { return }
        // All of it may be lost.
        try files.makeFolder("log")
        try begin()
        let scan = try pass.verify { take($0) }
        if let failure { throw failure }
        // A sector that begins to fail now would cost records that nobody has accepted to lose.
        guard scan.damages == plan.damages else {
            throw ToolError(
                .unreadable,
                "the log reads otherwise than when the repair was planned; nothing was replaced"
            )
        }
        while place < plan.items.count { try end() }
        try files.makeQuarantine()
        for item in plan.items where item.exists { try files.keepAside(segment: item.segment) }
        try note()
        try files.setAside(snapshots: files.snapshots())
        for item in plan.items { try replace(item) }
    }

    // MARK: Writing what takes their place

    private func temporary(_ item: RepairPlan.Item) -> String {
        "log/\(DataDirectory.segmentName(item.segment)).tmp"
    }

    private mutating func begin() throws(ToolError) {
        guard place < plan.items.count else { return }
        let item = plan.items[place]
        writer = try SegmentWriter(
            item.segment,
            base: item.offsets.lowerBound,
            engine: plan.engine,
            time: time,
            missing: plan.missing,
            compression: .none,
            in: files,
            as: temporary(item)
        )
    }

    private mutating func end() throws(ToolError) {
        try writer?.skip(to: plan.items[place].offsets.upperBound)
        if let writer = writer.take() { lost += try writer.finish().gaps }
        place += 1
        try begin()
    }

    private mutating func take(_ record: RecordView) {
        guard failure == nil else { return }
        do throws(ToolError) {
            while place < plan.items.count, record.offset >= plan.items[place].offsets.upperBound {
                try end()
            }
            if place < plan.items.count, plan.items[place].offsets.contains(record.offset) {
                try writer?.append(record)
            }
            time = record.time
        } catch {
            failure = error
        }
    }

    // MARK: Changing places

    /// Snapshots may be the only ones to know how far the log went: MANIFEST has to, before they
    /// are out of the way. And up to where offsets are given up, behind what is known: without the
    /// snapshots, a repair that goes on from here would not know that the log went further.
    private func note() throws(ToolError) {
        var manifest = plan.manifest ?? Manifest(engine: plan.engine)
        if plan.manifest == nil {
            manifest.oldestSegment = plan.first
            try files.create("MANIFEST")
            try files.sync(".")
        }
        let end = plan.items.last?.offsets.upperBound ?? .zero
        manifest.durable = max(manifest.durable, plan.mark, end)
        manifest.add(lost)
        try manifest.writeNext(to: files)
    }

    private func replace(_ item: RepairPlan.Item) throws(ToolError) {
        try files.rename(temporary(item), to: "log/\(DataDirectory.segmentName(item.segment))")
        try files.sync("log")
    }
}

/// The lock of a data directory, held until it goes.
package struct DirectoryLock: ~Copyable {
    private let storage: PlainStorage

    /// - Throws: ``ToolError/Code/inUse`` where an engine has the directory.
    package init(_ path: String) throws(ToolError) {
        do throws(StorageError) {
            let storage = PlainStorage(path: path, waker: try Waker())
            try storage.lock()
            self.storage = storage
        } catch {
            throw ToolError(error, target: path)
        }
    }
}
