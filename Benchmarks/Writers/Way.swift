import CLiburing

/// A way to put a batch on the medium.
struct Way: Sendable {
    let name: String
    /// Whether the file is written past the page cache.
    let isDirect: Bool
    let means: Means

    enum Means: Sendable {
        /// System calls of the thread that appends, which waits for them.
        case calls(sync: Sync)
        /// The same calls by a thread of their own.
        case thread(sync: Sync)
        case ring(RingOptions)
    }

    enum Sync: Sendable {
        /// The write is on the medium when it ends.
        case withWrite
        /// An fdatasync follows.
        case behind
    }

    struct RingOptions: Sendable {
        var sync = Sync.withWrite
        var flags = Way.deferred
        /// Whether a worker of the ring begins the write (`IOSQE_ASYNC`), not the thread itself.
        var isAsync = false
        var isFileRegistered = false
        var areBuffersRegistered = false
    }

    /// Whether it is the file that makes writes wait for the medium (`O_DSYNC`).
    var opensSynced: Bool {
        switch means {
        case .calls(let sync), .thread(let sync): sync == .withWrite
        case .ring: false
        }
    }

    func makeWriter() throws(Failure) -> any BatchWriter {
        switch means {
        case .calls(let sync): CallingWriter(sync)
        case .thread(let sync): try ThreadWriter(sync)
        case .ring(let options): try RingWriter(options)
        }
    }

    /// Completions are worked off where the thread asks for them.
    static let deferred =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG

    static let all = [
        Way(name: "pwrite + fdatasync, cached", isDirect: false, means: .calls(sync: .behind)),
        Way(name: "pwrite + fdatasync", isDirect: true, means: .calls(sync: .behind)),
        Way(name: "pwrite, DSYNC", isDirect: true, means: .calls(sync: .withWrite)),
        Way(name: "thread, pwrite, DSYNC", isDirect: true, means: .thread(sync: .withWrite)),
        Way(name: "thread, pwrite + fdatasync", isDirect: true, means: .thread(sync: .behind)),
        ring("ring, DSYNC, plain", RingOptions(flags: 0)),
        ring("ring, DSYNC", RingOptions()),
        ring("ring, DSYNC, async", RingOptions(isAsync: true)),
        ring("ring, DSYNC, async, plain", RingOptions(flags: 0, isAsync: true)),
        ring("ring, DSYNC, async, file", RingOptions(isAsync: true, isFileRegistered: true)),
        ring(
            "ring, DSYNC, async, both",
            RingOptions(isAsync: true, isFileRegistered: true, areBuffersRegistered: true)
        ),
        ring("ring, DSYNC, file", RingOptions(isFileRegistered: true)),
        ring(
            "ring, DSYNC, both",
            RingOptions(isFileRegistered: true, areBuffersRegistered: true)
        ),
        ring("ring, DSYNC, SQPOLL", RingOptions(flags: IORING_SETUP_SQPOLL)),
        ring(
            "ring, DSYNC, SQPOLL, both",
            RingOptions(
                flags: IORING_SETUP_SQPOLL,
                isFileRegistered: true,
                areBuffersRegistered: true
            )
        ),
        ring("ring, linked", RingOptions(sync: .behind)),
        ring("ring, linked, cached", RingOptions(sync: .behind), isDirect: false),
        ring("ring, linked, SQPOLL", RingOptions(sync: .behind, flags: IORING_SETUP_SQPOLL)),
    ]

    private static func ring(
        _ name: String,
        _ options: RingOptions,
        isDirect: Bool = true
    ) -> Way {
        Way(name: name, isDirect: isDirect, means: .ring(options))
    }
}
