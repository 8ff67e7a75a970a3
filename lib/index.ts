// The public API of the package.
export {
  type ErrorCode,
  type OfferCodeName,
  offerCodes,
  type RejectCodeName,
  rejectCodes,
  rejectCodeUserMin,
} from './codes.js';
export {
  type ConfigErrorDetail,
  type ErrorDetail,
  HyperRouteError,
  isHyperRouteError,
  type NativeErrorDetail,
  type SourcePlace,
  type SystemErrorDetail,
} from './errors.js';
