import Engine
import JSON
import NIOCore
import NetServer
import Observability
import Primitives

/// What is asked about requests and the log, of one event loop. Confined to it.
final class LogRoutes {
    private let sources: DashboardSources
    private let loop: any EventLoop
    private let pictures: PictureRequests
    /// Exchanges that wait for an answer from elsewhere.
    private var waiting: [UInt64: (DashboardSources.Answer) -> Void] = [:]
    private var asked: UInt64 = 0

    private static let limit = 64

    init(_ sources: DashboardSources, _ loop: any EventLoop, _ pictures: PictureRequests) {
        self.sources = sources
        self.loop = loop
        self.pictures = pictures
    }

    /// Answers what it knows.
    ///
    /// - Returns: false: the path is none of its own.
    func answer(_ request: HTTPRequest, _ exchange: HTTPExchange) -> Bool {
        let path = request.path
        let query = Query(request.query)
        do throws(QueryError) {
            switch path {
            case "/api/requests":
                exchange.respond(DashboardReply.json(try requests(query)))
            case "/api/log": overview(exchange)
            case "/api/log/records":
                let limit = try query.number("limit", in: 1...1000, else: 100)
                ask(.records(from: try Self.start(query), limit: Int(limit)), exchange)
            default:
                if let id = Self.rest(of: path, behind: "/api/requests/") {
                    ask(.history(id), exchange)
                } else if let segment = Self.rest(of: path, behind: "/api/log/why-kept/") {
                    guard let number = UInt64(segment) else {
                        throw QueryError("a segment is a number, as /api/log tells it")
                    }
                    ask(.whyKept(number), exchange)
                } else {
                    return false
                }
            }
        } catch {
            exchange.respond(DashboardReply.failure(400, "BAD_REQUEST", error.message))
        }
        return true
    }

    /// The first record that is asked for: the one behind `after`.
    private static func start(_ query: Query) throws(QueryError) -> Offset {
        guard query["after"] != nil else { return .zero }
        let after = try query.number("after", in: 0...Offset.limit.rawValue, else: 0)
        return Offset(after).advanced(by: 1)
    }

    private static func rest(of path: String, behind prefix: String) -> String? {
        path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
    }

    // MARK: Requests

    private func requests(_ query: Query) throws(QueryError) -> JSONText {
        var filter = RequestFilter()
        filter.limit = Int(try query.number("limit", in: 1...1000, else: 100))
        filter.kind = query["kind"]
        if let status = query["status"] {
            filter.status = RequestRow.Status(rawValue: status)
            if filter.status == nil { throw QueryError("there is no status \(status)") }
        }
        filter.function = query["function"]
        filter.search = query["search"]
        if query["before"] != nil {
            filter.before = Offset(try query.number("before", in: 0 ... .max, else: 0))
        }
        let (rows, seen) = sources.followed.requests(filter)
        var json = JSONBuilder(capacity: 256 * rows.count + 64)
        json.beginObject()
        json.key("requests")
        json.beginArray()
        for row in rows { row.write(into: &json) }
        json.endArray()
        json.key("seen")
        json.integer(seen)
        json.key("skipped")
        json.integer(sources.followed.skipped)
        json.endObject()
        return json.finish()
    }

    // MARK: The log

    private func overview(_ exchange: HTTPExchange) {
        let isAsked = pictures.ask { [weak self] picture in
            self?.ask(.segments, exchange) { $0.map { Self.overview($0, picture) } }
        }
        if !isAsked { exchange.respond(Self.busy) }
    }

    /// `files` is an object with what the files tell; what the core knows is put behind that.
    private static func overview(_ files: JSONText, _ picture: EnginePicture) -> JSONText {
        let syncs = picture.log.syncs
        var json = JSONBuilder(capacity: files.bytes.count + 256)
        json.beginObject()
        for name in ["data", "segments", "snapshots"] {
            json.key(name)
            json.raw(files.member(name) ?? .null)
        }
        json.key("durable_offset")
        json.integer(picture.log.durable.rawValue)
        json.key("sync")
        json.beginObject()
        json.key("p50_us")
        json.double(syncs.percentile(50) * 1000)
        json.key("p99_us")
        json.double(syncs.percentile(99) * 1000)
        json.key("max_us")
        json.double(Double(syncs.maximum) / 1000)
        json.key("count")
        json.integer(syncs.total)
        json.endObject()
        json.endObject()
        return json.finish()
    }

    private static var busy: HTTPReply {
        DashboardReply.failure(503, "BUSY", "too much is being asked at the moment; try again")
    }

    private func ask(
        _ question: LogQuestion,
        _ exchange: HTTPExchange,
        _ finish: @escaping (DashboardSources.Answer) -> DashboardSources.Answer = { $0 }
    ) {
        guard waiting.count < Self.limit else { return exchange.respond(Self.busy) }
        asked += 1
        let id = asked
        waiting[id] = { exchange.respond(Self.reply(to: finish($0))) }
        let own = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        sources.ask(question) { answer in
            loop.execute { own.value.waiting.removeValue(forKey: id)?(answer) }
        }
    }

    private static func reply(to answer: DashboardSources.Answer) -> HTTPReply {
        switch answer {
        case .success(let text): return DashboardReply.json(text)
        case .failure(let error):
            let status =
                switch error.code {
                case "replay.unknown_id", "why_kept.unknown_segment": 404
                case "replay.ambiguous_id", "replay.malformed_id": 400
                case "TOO_LARGE": 413
                case "BUSY": 503
                default: 500
                }
            return DashboardReply.failure(status, error)
        }
    }
}
