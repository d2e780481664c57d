import NIOCore
import NetServer

extension FuzzTarget {
    /// Requests of HTTP/1.1. Why one is refused may depend on where reads are cut: what cannot
    /// become one is not waited for.
    static let requests = FuzzTarget("request") { differenceOfCuts($0, served) }

    private enum Served: Equatable {
        case head(String)
        case body([UInt8])
        case end
        case refused
    }

    private static func served(_ stream: UnsafeRawBufferPointer, _ step: Int) -> [Served] {
        var settings = HTTPSettings()
        (settings.headerBytes, settings.headerCount) = (512, 8)
        var parser = RequestParser(settings)
        var served: [Served] = []
        var body: [UInt8] = []
        var rest = stream
        do throws(Refusal) {
            while !rest.isEmpty {
                let read = UnsafeRawBufferPointer(rebasing: rest.prefix(max(1, step)))
                rest = dropping(read.count, of: rest)
                parser.feed(ByteBuffer(bytes: read))
                while let part = try parser.next() {
                    switch part {
                    case .head(let head): served.append(.head(description(head)))
                    case .body(let bytes): body += bytes.readableBytesView
                    case .end:
                        served += [.body(body), .end]
                        body = []
                    }
                }
            }
            served.append(.body(body))
        } catch {
            served.append(.refused)
        }
        return served
    }

    private static func description(_ head: RequestHead) -> String {
        let headers = head.headers.map { "\($0.name): \($0.value)" }
        return "\(head.method) \(head.target) \(head.version) \(headers) \(head.body) "
            + "\(head.keepsAlive)"
    }
}
