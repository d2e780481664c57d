import Events
import Primitives
import RecordFormat
import Testing

@testable import HTTP

@Suite("Idempotency keys")
struct IdempotencyKeyTests {
    private func key(_ values: String..., method: String = "POST") -> String {
        let headers = values.map { (name: "idempotency-key", value: $0) }
        let request = HTTPRequest(method: method, path: "/", query: nil, headers: headers, body: [])
        do throws(ErrorBody) {
            return try IdempotencyKey(of: request)?.text ?? "none"
        } catch {
            return error.code
        }
    }

    @Test("are read with and without quotes, from requests that change something")
    func read() {
        #expect(key("\"8e03978e-40d5\"") == "8e03978e-40d5")
        #expect(key("plain key") == "plain key")
        #expect(key() == "none")
        for method in ["PUT", "PATCH", "DELETE"] { #expect(key("k", method: method) == "k") }
        for method in ["GET", "HEAD"] { #expect(key("k", method: method) == "none") }
        let longest = String(repeating: "k", count: 255)
        #expect(key(longest) == longest)
        for bad in ["", "\"\"", "a\"b", "\u{7F}", "é", longest + "k"] {
            #expect(key(bad) == "IDEMPOTENCY_KEY_INVALID", "\(bad)")
        }
        #expect(key("a", "b") == "IDEMPOTENCY_KEY_INVALID")
        #expect(key("a", "b", method: "GET") == "none", "keys mean nothing there")
    }

    @Test("fingerprints tell requests apart by all that is asked for")
    func fingerprints() {
        func print(
            _ method: String,
            _ path: String,
            _ query: String?,
            _ body: String,
            type: String = "application/json"
        ) -> UInt64 {
            IdempotencyKey.fingerprint(
                of: HTTPRequest(
                    method: method,
                    path: path,
                    query: query,
                    headers: [("content-type", type)],
                    body: Array(body.utf8)
                )
            )
        }
        let all = [
            print("POST", "/a", nil, "1"), print("PUT", "/a", nil, "1"),
            print("POST", "/b", nil, "1"), print("POST", "/a", "", "1"),
            print("POST", "/a", nil, "2"), print("POST", "/a", nil, ""),
            print("POST", "/a", nil, "1", type: "text/plain"),
        ]
        #expect(Set(all).count == all.count)
        #expect(print("POST", "/a", nil, "1") == all[0])
        #expect(print("POST", "/a", nil, "1", type: "application/json; v=1") == all[0])
        #expect(print("POST", "/a", nil, "1", type: "text/html") == all[6])
        #expect(print("POST", "/a", nil, "", type: "text/plain") == all[5], "no body is no body")
        var hash = ContentHash()
        hash.add("POST")
        hash.add("/a")
        hash.add(nil as String?)
        hash.add(Array("1".utf8))
        #expect(all[0] == hash.value, "logs have fingerprints that are made like this")
    }
}

@Suite("The view of requests with keys")
struct KeyedRequestViewTests {
    private func keyed(_ key: String, expires: Int64, print: UInt64 = 1) -> RequestEvent {
        .keyed(
            RequestKeyed(
                route: "POST /a",
                key: key,
                fingerprint: print,
                expires: Timestamp(seconds: expires)
            )
        )
    }

    private func kept(_ request: UInt64, isLost: Bool = false) -> RequestEvent {
        let response = RequestKept.Response(status: 200, headers: [], body: [])
        return .kept(RequestKept(request: Offset(request), response: isLost ? nil : response))
    }

    private func released(_ request: UInt64) -> RequestEvent {
        .released(RequestReleased(request: Offset(request), reason: ""))
    }

    private func decide(
        _ view: KeyedRequestView,
        _ key: String,
        at seconds: Int64,
        print: UInt64 = 1,
        route: String = "POST /a"
    ) -> KeyedRequestView.Decision {
        let now = Timestamp(seconds: seconds)
        return view.decide(route: route, key: key, fingerprint: print, now: now)
    }

    @Test("a key is fresh, runs, is answered, and expires")
    func life() {
        var view = KeyedRequestView()
        #expect(decide(view, "k", at: 1) == .fresh)
        view.apply(keyed("k", expires: 10), at: Offset(5), time: Timestamp(seconds: 1))
        #expect(decide(view, "k", at: 2) == .running(Offset(5)))
        #expect(decide(view, "k", at: 2, print: 2) == .mismatch)
        #expect(decide(view, "k", at: 2, route: "POST /b") == .fresh)
        #expect(view.oldestAnswered() == nil)
        view.apply(kept(5), at: Offset(6), time: Timestamp(seconds: 2))
        #expect(decide(view, "k", at: 9) == .kept(Offset(5), response: Offset(6)))
        #expect(view.oldestAnswered() == Offset(5))
        #expect(decide(view, "k", at: 10) == .fresh)
        view.apply(keyed("l", expires: 30), at: Offset(7), time: Timestamp(seconds: 10))
        #expect(view.count == 1)
        view.apply(kept(7, isLost: true), at: Offset(8), time: Timestamp(seconds: 11))
        #expect(decide(view, "l", at: 12) == .lost(Offset(7)))
        view.apply(released(7), at: Offset(9), time: Timestamp(seconds: 12))
        #expect(decide(view, "l", at: 13) == .fresh)
    }

    @Test("a restart ends what ran, and nothing else")
    func restart() {
        var view = KeyedRequestView()
        for (offset, key) in [(UInt64(1), "a"), (2, "b")] {
            view.apply(keyed(key, expires: 10), at: Offset(offset), time: Timestamp(seconds: 1))
        }
        view.apply(kept(1), at: Offset(3), time: Timestamp(seconds: 1))
        view.applyRestart()
        #expect(decide(view, "a", at: 2) == .kept(Offset(1), response: Offset(3)))
        #expect(decide(view, "b", at: 2) == .fresh)
    }

    @Test("folding what is needed, or a snapshot, makes the same as folding all", arguments: 1...40)
    func property(seed: UInt64) throws {
        var random = SeededEntropy(seed: seed)
        var all: [(event: RequestEvent, time: Timestamp)] = []
        var view = KeyedRequestView()
        for offset in UInt64(0)..<300 {
            let time = Timestamp(seconds: Int64(offset / 3))
            let request = offset == 0 ? 0 : random.next() % offset
            let event: RequestEvent =
                switch random.next() % 6 {
                case 0, 1, 2:
                    keyed("\(random.next() % 40)", expires: Int64(offset / 3 + random.next() % 60))
                case 3: kept(request, isLost: random.next() % 3 == 0)
                case 4: released(request)
                default: .repeated(RequestRepeated(request: Offset(request)))
                }
            all.append((event, time))
            view.apply(event, at: Offset(offset), time: time)
        }
        var needed = KeyedRequestView()
        for (offset, (event, time)) in all.enumerated()
        where view.needs(event, at: Offset(UInt64(offset))) {
            needed.apply(event, at: Offset(UInt64(offset)), time: time)
        }
        #expect(needed.digest() == view.digest(), "seed \(seed)")
        #expect(view.count > 0)

        var bytes: [UInt8] = []
        var writer = SnapshotWriter { piece in
            bytes += piece
            return true
        }
        view.encode(into: &writer)
        _ = writer.finish()
        try bytes.withUnsafeBytes { memory in
            var reader = ByteReader(memory)
            let read = try KeyedRequestView(from: &reader)
            #expect(reader.isAtEnd)
            #expect(read.digest() == view.digest())
        }
    }
}
