import Primitives

@testable import Events

extension EventGenerator {
    mutating func engine(_ kind: EventKind) -> Event {
        switch kind {
        case .started: .started(Started(version: text(), process: number()))
        case .stopped: .stopped(Stopped(reason: text()))
        default: .stopping(Stopping())
        }
    }

    mutating func attributes() -> [TelemetryAttribute] {
        (0..<entropy.next() % 3).map { _ in
            TelemetryAttribute(text(), text(), flag() ? .json : .string)
        }
    }

    mutating func remoteSpan() -> RemoteSpan? {
        flag() ? RemoteSpan(span: number(), flags: 1) : nil
    }

    mutating func stream(_ kind: EventKind) -> StreamEvent {
        switch kind {
        case .streamSet:
            .set(
                StreamSet(
                    stream: text(),
                    group: text(),
                    item: text(),
                    value: bytes(),
                    isNew: flag(),
                    function: text()
                )
            )
        case .streamDeleted:
            .deleted(StreamDeleted(stream: text(), group: text(), item: text(), old: bytes()))
        case .streamSent:
            .sent(
                StreamSent(
                    stream: text(),
                    group: text(),
                    item: optionalText(),
                    type: text(),
                    data: bytes()
                )
            )
        default:
            .relayed(
                StreamRelayed(
                    stream: text(),
                    group: text(),
                    item: text(),
                    change: StreamRelayed.Change.allCases[Int(entropy.next() % 3)],
                    data: bytes()
                )
            )
        }
    }

    mutating func configuration(_ kind: EventKind) -> ConfigurationEvent {
        switch kind {
        case .configurationRegistered:
            .registered(
                ConfigurationRegistered(
                    id: text(),
                    name: text(),
                    description: text(),
                    schema: bytes(),
                    metadata: bytes(),
                    value: flag() ? bytes() : nil
                )
            )
        case .configurationSet: .set(ConfigurationSet(id: text(), value: bytes()))
        case .configurationDeleted:
            .deleted(ConfigurationDeleted(id: text(), reason: flag() ? .unused : .fileGone))
        default: .fileTaken(ConfigurationFileTaken(id: text(), hash: number()))
        }
    }

    mutating func request(_ kind: EventKind) -> Event {
        guard kind == .responded else { return .request(keyedRequest(kind)) }
        return .responded(
            Responded(
                Responded.Form(rawValue: UInt8(entropy.next() % 4)) ?? .engine,
                status: UInt16(truncatingIfNeeded: number()),
                duration: span(),
                reason: text()
            )
        )
    }

    private mutating func keyedRequest(_ kind: EventKind) -> RequestEvent {
        switch kind {
        case .requestKeyed:
            .keyed(
                RequestKeyed(route: text(), key: text(), fingerprint: number(), expires: time())
            )
        case .requestKept where flag(): .kept(RequestKept(request: offset(), response: nil))
        case .requestKept:
            .kept(
                RequestKept(
                    request: offset(),
                    response: RequestKept.Response(
                        status: UInt16(truncatingIfNeeded: number()),
                        headers: (0..<(number() % 3)).map { _ in
                            RequestKept.Header(name: text(), value: text())
                        },
                        body: bytes()
                    )
                )
            )
        case .requestReleased: .released(RequestReleased(request: offset(), reason: text()))
        default: .repeated(RequestRepeated(request: offset()))
        }
    }

    mutating func purged() -> Purged {
        var last = entropy.next() % 1_000_000
        let messages = (0..<entropy.next() % 5).map { _ in
            last += 1 + entropy.next() % 1000
            return Offset(last)
        }
        return Purged(queue: text(), by: optionalText(), messages: messages, areDead: flag())
    }
}
