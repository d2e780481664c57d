@testable import Events

/// Of the events of streams.
let streamGolden: [Golden] = [
    Golden(
        .stream(
            .set(
                StreamSet(
                    stream: "s",
                    group: "g",
                    item: "i",
                    value: [0x31],
                    isNew: true,
                    function: "f"
                )
            )
        ),
        "0173016701690131010166"
    ),
    Golden(
        .stream(.deleted(StreamDeleted(stream: "s", group: "g", item: "i", old: [0x31]))),
        "0173016701690131"
    ),
    Golden(
        .stream(
            .sent(StreamSent(stream: "s", group: "g", item: "i", type: "t", data: [0x31]))
        ),
        "0173016701016901740131"
    ),
    Golden(
        .stream(
            .relayed(
                StreamRelayed(
                    stream: "s",
                    group: "g",
                    item: "i",
                    change: .deleted,
                    data: [0x31]
                )
            )
        ),
        "017301670169020131"
    ),
]
