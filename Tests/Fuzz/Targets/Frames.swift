import JSON
import NetServer
import Primitives
import WorkerProtocol

extension FuzzTarget {
    /// What peers send: messages of workers and engines, and the frames that bear them.
    static let frames = [
        FuzzTarget("worker-frame") { bytes in
            frame(bytes) { (bytes) throws(FrameError) in try WorkerFrame(decoding: bytes) }
        },
        FuzzTarget("engine-frame") { bytes in
            frame(bytes) { (bytes) throws(FrameError) in try EngineFrame(decoding: bytes) }
        },
        FuzzTarget("web-socket") { differenceOfCuts($0, events) },
    ]

    private static func frame<Message: Frame>(
        _ bytes: UnsafeRawBufferPointer,
        _ decode: (UnsafeBufferPointer<UInt8>) throws(FrameError) -> Message
    ) -> String? {
        bytes.withMemoryRebound(to: UInt8.self) { text in
            _ = BinaryMessage(text)
            guard let message = try? decode(text) else { return nil }
            let written = message.bytes
            if (try? JSONText(validating: written))?.isObject != true {
                return "\(message) is not written as an object"
            }
            let again = written.withUnsafeBufferPointer { try? decode($0) }
            // What is left out may be written as what it stands for.
            return again?.bytes == written
                ? nil : "\(message) is read again as \(String(describing: again))"
        }
    }

    private struct Seen: Equatable {
        let event: FrameParser.Event
        let payload: [UInt8]
    }

    private static func events(_ stream: UnsafeRawBufferPointer, _ step: Int) -> [Seen] {
        var parser = FrameParser(messageBytesMax: 4096)
        var seen: [Seen] = []
        var rest = stream
        while !rest.isEmpty {
            var read = UnsafeRawBufferPointer(rebasing: rest.prefix(max(1, step)))
            rest = dropping(read.count, of: rest)
            while let event = parser.next(&read) {
                switch event {
                case .text, .binary:
                    seen.append(Seen(event: event, payload: [UInt8](parser.message)))
                case .ping, .pong, .close:
                    seen.append(Seen(event: event, payload: [UInt8](parser.control)))
                case .failed: seen.append(Seen(event: event, payload: []))
                }
            }
        }
        return seen
    }
}
