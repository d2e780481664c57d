import NIOCore
import Primitives
import Synchronization

/// The services of one listener, one an event loop.
final class HTTPServices: Sendable {
    private let makeService: @Sendable (any EventLoop) -> any HTTPService
    private let services = Mutex<[ObjectIdentifier: NIOLoopBound<LoopService>]>([:])

    init(makeService: @escaping @Sendable (any EventLoop) -> any HTTPService) {
        self.makeService = makeService
    }

    /// The service of `eventLoop`, on which this is called.
    func service(on eventLoop: any EventLoop) -> LoopService {
        eventLoop.preconditionInEventLoop()
        let id = ObjectIdentifier(eventLoop)
        if let known = services.withLock({ $0[id] }) { return known.value }
        // Only this event loop asks for its own service: nobody else can have made it meanwhile.
        let made = LoopService(eventLoop: eventLoop, service: makeService(eventLoop))
        let bound = NIOLoopBound(made, eventLoop: eventLoop)
        services.withLock { $0[id] = bound }
        return made
    }
}

/// A service with what its connections share. Confined to its event loop.
final class LoopService {
    private let eventLoop: any EventLoop
    private let service: any HTTPService
    private var isEndOfTurnScheduled = false
    /// What whole bodies of requests take that have no reply yet, in bytes.
    var bodyBytes = 0
    private var date: (second: Int64, text: String) = (-1, "")

    init(eventLoop: any EventLoop, service: any HTTPService) {
        self.eventLoop = eventLoop
        self.service = service
    }

    func wantsWholeBody(header: (String) -> String?) -> Bool {
        service.wantsWholeBody(header: header)
    }

    var takesHeadsFirst: Bool { service.takesHeadsFirst }

    func receive(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        if !isEndOfTurnScheduled {
            isEndOfTurnScheduled = true
            // NIO runs tasks after it has read from every socket that was ready.
            eventLoop.assumeIsolated().execute {
                self.isEndOfTurnScheduled = false
                self.service.readCompleted()
            }
        }
        service.receive(request, exchange)
    }

    func reply(to refusal: Refusal, of head: RequestHead?, trace: TraceID?) -> HTTPReply {
        service.reply(to: refusal, of: head, trace: trace)
    }

    /// The time now, as a `Date` header says it; written anew once a second.
    func dateText() -> String {
        let second = wallClockSeconds()
        if date.second != second { date = (second, httpDate(second)) }
        return date.text
    }
}

/// A date as HTTP writes it (RFC 9110, 5.6.7), `seconds` after 1970-01-01T00:00:00Z.
func httpDate(_ seconds: Int64) -> String {
    let time = CivilTime(secondsSince1970: seconds)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = "\(two(time.hour)):\(two(time.minute)):\(two(time.second))"
    let day = "\(two(time.day)) \(months[time.month - 1]) \(time.year)"
    return "\(days[time.weekday]), \(day) \(clock) GMT"
}
