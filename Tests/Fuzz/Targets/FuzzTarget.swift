import RecordFormat

/// A decoder that is fed with anything. It may refuse; it may not trap, hang, read beyond its
/// input, or decode its own encoding to something else.
///
/// `make fuzz` runs each under libFuzzer; `make test` replays what that kept, from
/// `Tests/Fuzz/corpus/<name>/`.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Feeds the decoder; nil, or what is wrong with it.
    package let run: @Sendable (UnsafeRawBufferPointer) -> String?

    init(_ name: String, _ run: @escaping @Sendable (UnsafeRawBufferPointer) -> String?) {
        self.name = name
        self.run = run
    }

    /// Every target. To add one, write it here, and give it seeds in its corpus folder.
    package static let all: [FuzzTarget] =
        pages + batches + indexes + [log, event] + snapshots + frames + [requests]
        + texts
}

/// What a writer writes.
func encoded(_ encode: (inout ByteWriter) -> Void) -> [UInt8] {
    var counter = ByteWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    encode(&counter)
    var bytes = [UInt8](repeating: 0, count: counter.count)
    bytes.withUnsafeMutableBytes {
        var writer = ByteWriter($0)
        encode(&writer)
    }
    return bytes
}

/// What a writer of snapshots writes.
func encoded(_ encode: (inout SnapshotWriter) -> Void) -> [UInt8] {
    final class Body { var bytes: [UInt8] = [] }
    let body = Body()
    var writer = SnapshotWriter {
        body.bytes += $0
        return true
    }
    encode(&writer)
    _ = writer.finish()
    return body.bytes
}

/// The bytes from `count` on; none where there are fewer.
func dropping(_ count: Int, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count))
}

/// A number in front of the input, for what a target chooses by itself.
func number(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
}

/// What is `seen` of a stream that is read so many bytes at a time: it must not depend on that. The
/// first byte says where reads are cut.
///
/// - Returns: the difference, if there is one.
func differenceOfCuts<Seen: Equatable>(
    _ bytes: UnsafeRawBufferPointer,
    _ seen: (_ stream: UnsafeRawBufferPointer, _ step: Int) -> Seen
) -> String? {
    guard let step = bytes.first else { return nil }
    let stream = dropping(1, of: bytes)
    let whole = seen(stream, stream.count)
    let cut = seen(stream, 1 + Int(step % 31))
    return whole == cut ? nil : "\(whole) in one read, \(cut) in more"
}
