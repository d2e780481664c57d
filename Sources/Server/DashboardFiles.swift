import CPlatform
import Dashboard
import Disk
import Engine
import Glibc
import JSON
import LogTools
import NetServer
import Primitives
import Synchronization

/// Answers what the dashboard asks about the log, from its files, as `iii-log` does: beside the
/// core, behind everything else, and within bounds.
final class DashboardFiles: Sendable {
    typealias Answer = DashboardSources.Answer

    private let path: String
    private let tail: DurableTail
    private let quick: JobThread
    /// What folds the whole log must not keep the rest waiting.
    private let slow: JobThread
    private let waiting = Atomic(0)
    private let firstTimes = Mutex<[UInt64: Timestamp]>([:])
    private let listeners = Mutex<Listeners?>(nil)

    /// Questions that may wait.
    private static let limit = 64
    /// Bytes that an answer may have.
    private static let answerBytes = 16 << 20
    private static let pageBytes = 4 << 20

    init(path: String, tail: DurableTail) throws(ServeError) {
        self.path = path
        self.tail = tail
        quick = try JobThread("iii-dashboard")
        slow = try JobThread("iii-dash-slow")
    }

    /// Whose connections are counted from now on.
    func opened(_ listeners: Listeners) { self.listeners.withLock { $0 = listeners } }

    // MARK: Questions

    /// Any thread.
    @Sendable
    func ask(_ question: LogQuestion, _ done: @escaping @Sendable (Answer) -> Void) {
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.limit else {
            waiting.subtract(1, ordering: .relaxed)
            let busy = "\(Self.limit) questions to the log wait already; try again"
            return done(.failure(ErrorBody(code: "BUSY", message: busy)))
        }
        var thread = quick
        if case .whyKept = question { thread = slow }
        thread.add {
            let answer = self.answer(question)
            self.waiting.subtract(1, ordering: .relaxed)
            done(answer)
        }
    }

    private func answer(_ question: LogQuestion) -> Answer {
        do throws(ToolError) {
            let found = try text(question)
            guard found.bytes.count <= Self.answerBytes else {
                return .failure(Self.tooLarge("\(found.bytes.count) bytes"))
            }
            return .success(found)
        } catch {
            let code = error.code == .tooLarge ? "TOO_LARGE" : error.code.rawValue
            return .failure(ErrorBody(code: code, message: error.message))
        }
    }

    private static func tooLarge(_ what: String) -> ErrorBody {
        ErrorBody(
            code: "TOO_LARGE",
            message: "the answer has \(what), more than is sent here; `iii-log` shows all of it"
        )
    }

    /// What does not fit is given up while it is put together, not when it is in memory.
    private func history(of id: String, _ pass: LogPass) throws(ToolError) -> JSONText {
        var finder = HistoryFinder(pass, room: Self.answerBytes)
        let history = try finder.history(of: HistoryID(id))
        guard let text = HistoryTree(history).json(limit: Self.answerBytes) else {
            throw ToolError(
                .tooLarge,
                "the answer has more than \(Self.answerBytes >> 20) MiB; `iii-log replay \(id)` "
                    + "shows all of it"
            )
        }
        return text
    }

    private func text(_ question: LogQuestion) throws(ToolError) -> JSONText {
        let pass = try LogPass(.directory(path))
        switch question {
        case .history(let id): return try history(of: id, pass)
        case .records(let start, let limit):
            let page = try RecordPage(
                pass,
                from: start,
                until: tail.durable,
                limit: limit,
                room: Self.pageBytes
            )
            var json = JSONBuilder()
            json.beginObject()
            json.key("records")
            page.write(into: &json)
            json.key("next_offset")
            json.integer(page.next.rawValue)
            json.endObject()
            return json.finish()
        case .segments: return try overview(pass)
        case .whyKept(let segment):
            return JSONText(trusted: Array(try WhyKept(pass, segment: segment).json.utf8))
        }
    }

    private func overview(_ pass: LogPass) throws(ToolError) -> JSONText {
        var times = firstTimes.withLock { $0 }
        let overview = try LogOverview(pass, until: tail.durable, firstTimes: &times)
        firstTimes.withLock { $0 = times }
        var json = JSONBuilder()
        json.beginObject()
        json.key("data")
        json.string(path)
        json.key("segments")
        overview.writeSegments(into: &json)
        json.key("snapshots")
        json.beginArray()
        for offset in overview.snapshots { json.integer(offset.rawValue) }
        json.endArray()
        json.endObject()
        return json.finish()
    }

    // MARK: The host

    /// Any thread.
    @Sendable
    func lookAtHost(_ done: @escaping @Sendable (HostFigures) -> Void) {
        quick.add { done(self.figures()) }
    }

    private func figures() -> HostFigures {
        var figures = HostFigures()
        ProcessFigures.read(into: &figures)
        var space = statvfs()
        if statvfs(path, &space) == 0 {
            figures.diskFreeBytes = UInt64(space.f_bavail) * UInt64(space.f_frsize)
            figures.diskBytes = UInt64(space.f_blocks) * UInt64(space.f_frsize)
        }
        // What cannot be listed counts as nothing: the log itself says what is wrong.
        if let files = try? LogSource(.directory(path)).segments() {
            figures.segments = files.count
            figures.logBytes = files.reduce(0) { $0 + UInt64($1.size) }
        }
        let snapshots = (try? SnapshotFolder(dataDirectory: path).numbers()) ?? []
        figures.snapshots = snapshots.count
        figures.newestSnapshot = snapshots.first
        listeners.withLock { listeners in
            guard let listeners else { return }
            let workers = listeners.workers.reduce(0) { $0 + $1.connectionCount }
            figures.connections = [
                HostFigures.Connections(listener: "worker", count: workers),
                HostFigures.Connections(listener: "http", count: listeners.http.connectionCount),
                HostFigures.Connections(
                    listener: "stream",
                    count: listeners.stream.connectionCount
                ),
                HostFigures.Connections(
                    listener: "dashboard",
                    count: listeners.dashboard?.connectionCount ?? 0
                ),
            ]
        }
        return figures
    }
}

/// What the kernel tells of this process (proc(5)).
private enum ProcessFigures {
    static func read(into figures: inout HostFigures) {
        let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
        let memory = text(of: "/proc/self/statm").split(separator: " ")
        if memory.count > 1, let pages = UInt64(memory[1]) { figures.memoryBytes = pages * page }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            figures.cpuSeconds =
                Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1_000_000
        }
        if let folder = opendir("/proc/self/fd") {
            while readdir(folder) != nil { figures.openFiles += 1 }
            closedir(folder)
            // Its own, and the two names of folders.
            figures.openFiles = max(0, figures.openFiles - 3)
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.fileLimit = UInt64(limit.rlim_cur)
        }
    }

    private static func text(of path: String) -> String {
        do throws(SystemError) {
            return String(decoding: try SmallFile.read(path, limit: 4096), as: UTF8.self)
        } catch {
            return ""
        }
    }
}
